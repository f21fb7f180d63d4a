// One FLOE segment on the wire: u32 length word || 12 IV || ciphertext || 16 tag (docs/format.md §4).
import { needs, WeightlockError } from '../errors.ts';
import { SEGMENT_OVERHEAD_BYTES } from './limits.ts';
import { segmentAad, type FloeKeys } from './floe.ts';
import type { SegmentEngine } from '../engine/engine.ts';

const LENGTH_WORD_BYTES = 4;
export const SEGMENT_IV_BYTES = 12;
const TAG_BYTES = 16;
const BODY_START = LENGTH_WORD_BYTES + SEGMENT_IV_BYTES;
/** The length word of every segment but the last; the last one's is its own whole length. */
const NOT_LAST = 0xffff_ffff;

export interface SegmentPosition {
  readonly index: number;
  readonly last: boolean;
}

const lengthWord = (last: boolean, wireBytes: number): number => (last ? wireBytes : NOT_LAST);

/** Encrypts one segment into a fresh buffer of `plaintext.length + 32` bytes. `iv`: 12 bytes, never used twice under one segment key. */
export function sealSegment(engine: SegmentEngine, keys: FloeKeys, { index, last }: SegmentPosition, iv: Uint8Array, plaintext: Uint8Array): Buffer {
  const wire = Buffer.allocUnsafeSlow(plaintext.length + SEGMENT_OVERHEAD_BYTES);
  wire.writeUInt32BE(lengthWord(last, wire.length));
  wire.set(iv, LENGTH_WORD_BYTES);
  const tag = engine.seal({ key: keys.segmentKey(index), iv, aad: segmentAad(index, last) }, plaintext, wire.subarray(BODY_START, wire.length - TAG_BYTES));
  wire.set(tag, wire.length - TAG_BYTES);
  return wire;
}

/**
 * Verifies and decrypts one whole stored segment. `wire` may be overwritten; the plaintext may lie in it (SegmentEngine). Throws E_SEGMENT_FRAMING or
 * E_SEGMENT_AUTH, and then nothing of it is returned. `what` names the object in messages.
 */
export function openSegment(engine: SegmentEngine, keys: FloeKeys, { index, last }: SegmentPosition, wire: Buffer, what: string): Buffer {
  // §4: 0xFFFFFFFF, or in the last segment its whole length
  const framed = wire.length >= SEGMENT_OVERHEAD_BYTES && wire.readUInt32BE(0) === lengthWord(last, wire.length);
  needs(framed, 'E_SEGMENT_FRAMING', `segment ${index} of ${what} is framed wrongly: it was moved, cut or altered`);
  const input = { key: keys.segmentKey(index), iv: wire.subarray(LENGTH_WORD_BYTES, BODY_START), aad: segmentAad(index, last) };
  try {
    return engine.open(input, wire.subarray(BODY_START, wire.length - TAG_BYTES), wire.subarray(wire.length - TAG_BYTES));
  } catch (error) {
    if (!(error instanceof WeightlockError) || error.code !== 'E_SEGMENT_AUTH') throw error;
    // An engine does not know whose segment it holds; whoever reads the message must.
    throw new WeightlockError('E_SEGMENT_AUTH', `segment ${index} of ${what} does not authenticate: its bytes were altered, or belong elsewhere`, { cause: error, ...(error.next === undefined ? {} : { next: error.next }) });
  }
}
