// BLAKE3 by the prebuilt addon of @napi-rs/blake-hash: from node_modules, or from the file that build/bundle.ts lays beside a bundle under that name.
import type { HashEngine } from './hasher.ts';

/** The part of the addon that we use. */
interface Addon {
  readonly Blake3Hasher: new () => { update(bytes: Uint8Array): unknown; digestBuffer(): Buffer; reset(): void };
}

const isAddon = (loaded: unknown): loaded is Addon =>
  typeof loaded === 'object' && loaded !== null && 'Blake3Hasher' in loaded && typeof loaded.Blake3Hasher === 'function';

/** null where the addon does not load: another platform, another libc, a bundle without its file. Then the WASM form serves as well, slower. */
export async function nativeBlake3(load: () => Promise<unknown> = () => import('@napi-rs/blake-hash')): Promise<HashEngine | null> {
  const loaded = await load().catch(() => null);
  if (!isAddon(loaded)) return null;
  const { Blake3Hasher } = loaded;
  return {
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
  };
}
