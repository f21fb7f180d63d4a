// BLAKE3 by the prebuilt addon of @napi-rs/blake-hash: from a file laid beside a bundle, else from node_modules.
import { createRequire } from 'node:module';
import type { HashEngine } from './hasher.ts';

/** The part of the addon that we use. */
interface Addon {
  readonly Blake3Hasher: new () => { update(bytes: Uint8Array): unknown; digestBuffer(): Buffer; reset(): void };
}

const isAddon = (loaded: unknown): loaded is Addon =>
  typeof loaded === 'object' && loaded !== null && 'Blake3Hasher' in loaded && typeof loaded.Blake3Hasher === 'function';

/**
 * Loads the addon: `addonPath` (absolute path of blake-hash.linux-x64-gnu.node, as images carry it), or the package. null where neither loads: another
 * platform, another libc, a bundle without its file. Through createRequire, so that bundlers leave it alone.
 */
export function loadNativeBlake3(addonPath: string | undefined): HashEngine | null {
  const require = createRequire(import.meta.url);
  for (const name of addonPath === undefined ? ['@napi-rs/blake-hash'] : [addonPath, '@napi-rs/blake-hash']) {
    try {
      const loaded: unknown = require(name);
      if (isAddon(loaded)) return engineOf(loaded);
    } catch {
      // the next candidate, in the end the WASM form, serves as well
    }
  }
  return null;
}

const engineOf = ({ Blake3Hasher }: Addon): HashEngine => ({
  name: 'blake3-native',
  algorithm: 'blake3',
  async hasher() {
    const hash = new Blake3Hasher();
    return {
      update(bytes) {
        hash.update(bytes);
      },
      finish() {
        const digest = hash.digestBuffer().toString('hex');
        hash.reset();
        return digest;
      },
    };
  },
});
