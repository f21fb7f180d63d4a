// SHA-256 by node:crypto (OpenSSL): for publishers bound to FIPS.
import { createHash } from 'node:crypto';
import type { HashEngine } from './hasher.ts';

export const sha256Engine: HashEngine = {
  name: 'sha256-node',
  algorithm: 'sha256',
  async hasher() {
    let hash = createHash('sha256');
    return {
      update(bytes) {
        hash.update(bytes);
      },
      finish() {
        const digest = hash.digest('hex');
        hash = createHash('sha256');
        return digest;
      },
    };
  },
};
