// Plaintext digests of 8-MiB ranges (docs/format.md §5): one interface, run natively, as WASM, or by node:crypto; chosen by core/hash/choose.ts.

/** What a manifest's `shards.alg` may say. */
export type DigestAlgorithm = 'blake3' | 'sha256';

/** Synchronous and reusable: one hasher serves one range after another. Not for two ranges at once. */
export interface Hasher {
  /** Reads `bytes` during the call only. */
  update(bytes: Uint8Array): void;
  /** Lower-case hex (64 characters) of everything since the last `finish`; the hasher is then empty again. */
  finish(): string;
}

/** Makes hashers: one for every connection or stream that hashes. */
export interface HashEngine {
  readonly name: 'blake3-native' | 'blake3-wasm' | 'sha256-node';
  readonly algorithm: DigestAlgorithm;
  hasher(): Promise<Hasher>;
}
