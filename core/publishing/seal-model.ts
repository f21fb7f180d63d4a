// A folder becomes a published model: a new lineage, in the order of format.md §2, so that a reader sees all of it or nothing.
import type { KeyProvider } from '../keys/provider.ts';
import type { StoreWriter } from '../stores/store.ts';
import type { ScannedFolder } from './source-file.ts';

/** A KEK that will be able to open the model, and the publisher's own pairs that its wrap is bound to. */
export interface Recipient {
  readonly key: KeyProvider;
  readonly context: Readonly<Record<string, string>>;
}

/** Where this version stands in its model's history. */
export type Position =
  /** After what latest.json says, as a hint; 1 where there is none. */
  | { readonly kind: 'latest' }
  /** From the publisher's own pin. `previous` = hex digest; null where only the number is known and latest.json names the digest. */
  | { readonly kind: 'pinned'; readonly sequence: number; readonly previous: string | null };

/** What happens while sealing, for whoever shows it. Synchronous; must not throw. */
export interface SealObserver {
  /** `bytes` more plaintext bytes were read, sealed and handed to the store. */
  sealed(bytes: number): void;
  fileDone(path: string, size: number): void;
  /** Another publisher came first: the manifest is sealed again under `sequence`. */
  renumbered(sequence: number): void;
}

export interface SealRequest {
  readonly folder: ScannedFolder;
  readonly store: StoreWriter;
  /** 1 to 32. */
  readonly recipients: readonly Recipient[];
  readonly model: { readonly name: string; readonly version: string };
  readonly position: Position;
  /** Digest of the 8-MiB shards. */
  readonly hash: 'blake3' | 'sha256';
  readonly now: () => Date;
  readonly observer: SealObserver;
}

export interface SealedModel {
  /** Hex SHA-256 of the manifest object: the pin. */
  readonly digest: string;
  /** Hex commitment: the lineage pin. */
  readonly lineage: string;
  readonly envelopeId: string;
  readonly sequence: number;
  /** Hex digest of the version before; null at the first. */
  readonly previous: string | null;
  /** RFC 3339, UTC, whole seconds. */
  readonly created: string;
  readonly totals: { readonly files: number; readonly bytes: number };
}
