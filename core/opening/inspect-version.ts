// What anybody can say of a stored model without a key: all of it is the bucket's word, unverified.
import type { EnvelopeFile } from '../envelope/envelope-file.ts';
import type { VersionFile } from '../envelope/version-file.ts';
import type { StoreReader } from '../stores/store.ts';

export interface InspectedVersion {
  /** Hex SHA-256 the version file is stored under; the manifest object's bytes were compared with it, nothing else was verified. */
  readonly digest: string;
  readonly version: VersionFile;
  readonly envelope: EnvelopeFile;
  /** latest.json's pointer, where there is one. */
  readonly latest: { readonly digest: string; readonly sequence: number } | null;
}

/** `digest`: hex; null = what latest.json names. Throws E_STORE_*, E_JSON_*, E_SCHEMA, E_OBJECT_MISMATCH. */
export declare function inspectVersion(digest: string | null, store: StoreReader, signal: AbortSignal): Promise<InspectedVersion>;
