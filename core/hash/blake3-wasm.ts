// BLAKE3 as WebAssembly (hash-wasm, carried inside the bundle): slower than the native addon, and there wherever that is not.
import { createBLAKE3 } from 'hash-wasm';
import type { HashEngine } from './hasher.ts';

export const blake3WasmEngine: HashEngine = {
  name: 'blake3-wasm',
  algorithm: 'blake3',
  async hasher() {
    const hash = await createBLAKE3(); // an instance and memory of its own, so hashers do not share state
    hash.init();
    return {
      update(bytes) {
        hash.update(bytes);
      },
      finish() {
        const digest = hash.digest('hex');
        hash.init();
        return digest;
      },
    };
  },
};
