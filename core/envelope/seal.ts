// Seals one object as a stream of bounded memory (docs/format.md §4): header, then one buffer a segment.
import { randomBytes } from 'node:crypto';
import { needs, WeightlockError } from '../errors.ts';
import { MAX_PLAINTEXT_BYTES, SEGMENT_OVERHEAD_BYTES, WRITER_SEGMENT_BYTES } from './limits.ts';
import { FLOE_IV_BYTES, FloeKeys, floeParams } from './floe.ts';
import { encodePrefix, type ObjectKind } from './prefix.ts';
import { objectBytes, segmentCount, segmentPlan, type Layout } from './plan.ts';
import { SEGMENT_IV_BYTES, sealSegment } from './segment.ts';
import { ShardDigests } from './shards.ts';
import type { SegmentEngine } from '../engine/engine.ts';
import type { Hasher } from '../hash/hasher.ts';
import type { Lineage } from './lineage.ts';

export interface SealInput {
  /** Must stay alive until the ciphertext has been read to its end. */
  readonly lineage: Pick<Lineage, 'envelopeId' | 'bodyKey'>;
  readonly kind: ObjectKind;
  /** n: known before the first byte. A source of unknown length cannot be sealed. */
  readonly plaintextBytes: number;
  /** Exactly `plaintextBytes` bytes in pieces of any size. Each piece is read before the next is asked for. */
  readonly plaintext: AsyncIterable<Uint8Array>;
  /** Digests the shards of a file; null for a manifest, which has none. */
  readonly hasher: Hasher | null;
  readonly engine: SegmentEngine;
}

/** An object on its way out. Id, length and tag are known at once, the digests when the ciphertext has ended. */
export interface SealingObject {
  /** Hex; fresh for every sealing: also its storage name. */
  readonly objectId: string;
  readonly objectBytes: number;
  readonly segmentBytes: number;
  /** FLOE header tag, hex. */
  readonly tag: string;
  /**
   * `objectBytes` bytes: 138, then one fresh buffer a segment, which the consumer owns: a failed part is sent again from it, never sealed again. To be
   * iterated once. Throws E_SOURCE_CHANGED when the source is shorter or longer than announced, before the last segment has left.
   */
  readonly ciphertext: AsyncIterable<Buffer>;
  /** Digests of the plaintext shards, in order. Only after `ciphertext` has ended. */
  shards(): readonly string[];
}

/** Where ids and IVs come from. Only tests pass anything but the system's randomness, to meet known answers. */
export interface SealRandomness {
  objectId(): Buffer;
  /** Called once for the FLOE IV, then once a segment, in order. */
  iv(bytes: number): Buffer;
}

const SYSTEM_RANDOMNESS: SealRandomness = { objectId: () => randomBytes(16), iv: (bytes) => randomBytes(bytes) };

/** Seals under a fresh object id with 1-MiB segments. Throws E_LIMIT_SIZE. */
export const sealObject = (input: SealInput): SealingObject => sealObjectWith(input, SYSTEM_RANDOMNESS, WRITER_SEGMENT_BYTES);

/** `sealObject` with everything it draws or decides given: for known answers. */
export function sealObjectWith(input: SealInput, random: SealRandomness, segmentBytes: number): SealingObject {
  const { plaintextBytes, lineage, kind } = input;
  // §4: n <= 2^44
  needs(Number.isSafeInteger(plaintextBytes) && plaintextBytes >= 0 && plaintextBytes <= MAX_PLAINTEXT_BYTES, 'E_LIMIT_SIZE', `cannot seal ${plaintextBytes} bytes as one object; the limit is 2^44`);
  const layout: Layout = { plaintextBytes, segmentBytes };
  const objectId = random.objectId().toString('hex');
  const floe = {
    key: lineage.bodyKey,
    aad: encodePrefix({ kind, envelopeId: lineage.envelopeId, objectId, plaintextBytes }),
    params: floeParams(segmentBytes + SEGMENT_OVERHEAD_BYTES),
    iv: random.iv(FLOE_IV_BYTES),
  };
  using keys = new FloeKeys(floe);
  const header = Buffer.concat([floe.aad, floe.params, floe.iv, keys.tag]);
  const digests = input.hasher === null ? null : new ShardDigests(input.hasher);
  let shards: readonly string[] | undefined;

  async function* ciphertext(): AsyncGenerator<Buffer, void, undefined> {
    using segmentKeys = new FloeKeys(floe);
    yield header;
    let index = 0;
    for await (const plaintext of segmentsOf(input.plaintext, layout)) {
      digests?.update(plaintext);
      yield sealSegment(input.engine, segmentKeys, segmentPlan(layout, index), random.iv(SEGMENT_IV_BYTES), plaintext);
      index++;
    }
    shards = digests?.finish() ?? [];
  }

  return {
    objectId,
    objectBytes: objectBytes(layout),
    segmentBytes,
    tag: keys.tag.toString('hex'),
    ciphertext: ciphertext(),
    shards() {
      if (shards === undefined) throw new WeightlockError('E_INTERNAL', `the digests of object ${objectId} were asked for before it was sealed to its end`);
      return shards;
    },
  };
}

/** Cuts the source into segments, in one buffer that is overwritten: at least one, and the last only once the source has ended. */
async function* segmentsOf(source: AsyncIterable<Uint8Array>, layout: Layout): AsyncGenerator<Buffer, void, undefined> {
  const { plaintextBytes, segmentBytes } = layout;
  const buffer = Buffer.allocUnsafeSlow(Math.min(segmentBytes, plaintextBytes));
  const full = segmentCount(layout) - 1; // these leave as soon as they are whole
  let taken = 0;
  let filled = 0;
  let left = 0;
  for await (const piece of source) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + buffer.length - filled);
      changed(part.length > 0, plaintextBytes, 'longer'); // the last segment is full
      buffer.set(part, filled);
      filled += part.length;
      taken += part.length;
      at += part.length;
      if (filled === buffer.length && left < full) {
        yield buffer;
        left++;
        filled = 0;
      }
    }
  }
  changed(taken === plaintextBytes, plaintextBytes, taken > plaintextBytes ? 'longer' : 'shorter');
  yield buffer.subarray(0, filled);
}

function changed(asAnnounced: boolean, plaintextBytes: number, how: 'longer' | 'shorter'): void {
  needs(asAnnounced, 'E_SOURCE_CHANGED', `the source became ${how} than the ${plaintextBytes} bytes it had when sealing began`, 'Seal again when nothing writes to the folder any more.');
}
