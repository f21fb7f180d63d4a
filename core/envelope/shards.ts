// Plaintext digests of consecutive 8-MiB ranges (docs/format.md §5): the one thing that pins content against somebody who holds the DEK.
import { needs } from '../errors.ts';
import { SHARD_BYTES } from './limits.ts';
import type { DigestAlgorithm, Hasher } from '../hash/hasher.ts';

/** The `shards` member of a manifest entry; `values` are hex, in order, one per started 8 MiB, none for an empty file. */
export interface Shards {
  readonly alg: DigestAlgorithm;
  readonly size: typeof SHARD_BYTES;
  readonly values: readonly string[];
}

/** Digests a file's plaintext as it passes, in order. */
export class ShardDigests {
  readonly #hasher: Hasher;
  readonly #values: string[] = [];
  #pending = 0;

  constructor(hasher: Hasher) {
    this.#hasher = hasher;
  }

  update(plaintext: Uint8Array): void {
    for (let at = 0; at < plaintext.length; ) {
      const part = plaintext.subarray(at, at + SHARD_BYTES - this.#pending);
      this.#hasher.update(part);
      this.#pending += part.length;
      at += part.length;
      if (this.#pending === SHARD_BYTES) this.#close();
    }
  }

  /** All digests, after the last byte. */
  finish(): readonly string[] {
    if (this.#pending > 0) this.#close();
    return this.#values;
  }

  #close(): void {
    this.#values.push(this.#hasher.finish());
    this.#pending = 0;
  }
}

/** Compares what was computed over shard `index` with the manifest. Throws E_DIGEST_MISMATCH. `what` names the file. */
export function checkShard(shards: Shards, index: number, digest: string, what: string): void {
  needs(
    shards.values[index] === digest,
    'E_DIGEST_MISMATCH',
    `8-MiB range ${index} of ${what} authenticates, but is not the content that the manifest names`,
    'Somebody who once held this model\'s key rewrote it: treat the key as leaked, and seal the model again from its source.',
  );
}
