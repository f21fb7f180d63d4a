// AES-256-GCM with node:crypto: the engine that works wherever Node does.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { needs } from '../errors.ts';
import { checkLengths, refusedSegment, TAG_BYTES } from './lengths.ts';
import type { SegmentEngine } from './engine.ts';

const ALGORITHM = 'aes-256-gcm';
/** Without it Node accepts a tag of 4 bytes (DEP0182). */
const TAG_OPTION = { authTagLength: TAG_BYTES };

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
      throw refusedSegment(cause);
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
