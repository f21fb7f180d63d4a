// What every engine checks before it touches a cipher, and what it says when a segment is refused.
import { WeightlockError } from '../errors.ts';
import type { SegmentCipherInput } from './engine.ts';

export const TAG_BYTES = 16;
const KEY_BYTES = 32;
const IV_BYTES = 12;

/** Node takes IVs of other lengths silently and derives the counter differently; C reads 32 and 12 bytes whatever it is given. */
export function checkLengths({ key, iv }: SegmentCipherInput): void {
  if (key.length !== KEY_BYTES || iv.length !== IV_BYTES) throw new RangeError(`AES-256-GCM needs a key of 32 and an IV of 12 bytes, not ${key.length} and ${iv.length}`);
}

export const refusedSegment = (cause?: unknown): WeightlockError =>
  new WeightlockError('E_SEGMENT_AUTH', 'a segment does not authenticate: its bytes were altered, or belong elsewhere', {
    next: 'Publish the object again from its source; if it happens again, somebody or something alters it on the way.',
    ...(cause === undefined ? {} : { cause }),
  });
