// AES-256-GCM with node:crypto: the engine that works wherever Node does.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { needs, WeightlockError } from '../errors.ts';
import type { SegmentCipherInput, SegmentEngine } from './engine.ts';

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Without it Node accepts a tag of 4 bytes (DEP0182). */
const TAG_OPTION = { authTagLength: TAG_BYTES };

/** Node takes IVs of other lengths silently and derives the counter differently. */
function checkLengths({ key, iv }: SegmentCipherInput): void {
  if (key.length !== KEY_BYTES || iv.length !== IV_BYTES) throw new RangeError(`AES-256-GCM needs a key of 32 and an IV of 12 bytes, not ${key.length} and ${iv.length}`);
}

export const nodeEngine: SegmentEngine = {
  name: 'node',
  open(input, ciphertext, tag) {
    checkLengths(input);
    needs(tag.length === TAG_BYTES, 'E_SEGMENT_AUTH', `a segment's tag has ${tag.length} bytes instead of ${TAG_BYTES}`);
    const decipher = createDecipheriv(ALGORITHM, input.key, input.iv, TAG_OPTION).setAAD(input.aad).setAuthTag(tag);
    const plaintext = decipher.update(ciphertext);
    try {
      decipher.final();
    } catch (cause) {
      plaintext.fill(0); // unverified: must not outlive the failure
      throw new WeightlockError('E_SEGMENT_AUTH', 'a segment does not authenticate: its bytes were altered, or belong elsewhere', {
        next: 'Publish the object again from its source; if it happens again, somebody or something alters it on the way.',
        cause,
      });
    }
    return plaintext;
  },
  seal(input, plaintext, into) {
    checkLengths(input);
    if (into.length !== plaintext.length) throw new RangeError(`${plaintext.length} bytes of plaintext need as many of ciphertext, not ${into.length}`);
    const cipher = createCipheriv(ALGORITHM, input.key, input.iv, TAG_OPTION).setAAD(input.aad);
    into.set(cipher.update(plaintext));
    cipher.final();
    return cipher.getAuthTag();
  },
};
