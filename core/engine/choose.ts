// Picks the engine: the fastest first, and the first that passes a known-answer test and refuses a wrong tag.
import { WeightlockError } from '../errors.ts';
import { ffiEngine } from './ffi.ts';
import { nodeEngine } from './node.ts';
import type { SegmentCipherInput, SegmentEngine } from './engine.ts';

/** Test case 16 of McGrew and Viega, "The Galois/Counter Mode of Operation" (256-bit key, 96-bit IV, AAD, a partial last block). */
const KNOWN = {
  key: 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308',
  iv: 'cafebabefacedbaddecaf888',
  aad: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
  plaintext: 'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
  ciphertext: '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662',
  tag: '76fc6ece0f4e1768cddf8853bb2d551b',
};

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');

/** Whether `engine` gives the known answer both ways and no plaintext for a tag with one bit flipped. */
export function passesKnownAnswer(engine: SegmentEngine): boolean {
  const input: SegmentCipherInput = { key: bytes(KNOWN.key), iv: bytes(KNOWN.iv), aad: bytes(KNOWN.aad) };
  try {
    const sealed = Buffer.alloc(KNOWN.ciphertext.length / 2);
    const tag = engine.seal(input, bytes(KNOWN.plaintext), sealed);
    if (sealed.toString('hex') !== KNOWN.ciphertext || tag.toString('hex') !== KNOWN.tag) return false;
    if (engine.open(input, bytes(KNOWN.ciphertext), bytes(KNOWN.tag)).toString('hex') !== KNOWN.plaintext) return false;
  } catch {
    return false;
  }
  const wrong = bytes(KNOWN.tag);
  wrong.writeUInt8(wrong.readUInt8(15) ^ 1, 15);
  try {
    engine.open(input, bytes(KNOWN.ciphertext), wrong);
  } catch (error) {
    return error instanceof WeightlockError && error.code === 'E_SEGMENT_AUTH';
  }
  return false;
}

/** The engine to use for the life of this process. Throws E_INTERNAL where none is trustworthy: then nothing is sealed or opened. */
export function chooseEngine(candidates: readonly (SegmentEngine | null)[] = [ffiEngine(), nodeEngine]): SegmentEngine {
  const engine = candidates.find((candidate) => candidate !== null && passesKnownAnswer(candidate));
  if (engine === undefined || engine === null) {
    throw new WeightlockError('E_INTERNAL', 'AES-256-GCM fails its known-answer test in this process', { next: 'Use the pinned Node and an OpenSSL provider that offers AES-256-GCM.' });
  }
  return engine;
}
