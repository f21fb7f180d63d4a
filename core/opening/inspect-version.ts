// What anybody can say of a stored model without a key: all of it is the bucket's word, unverified.
import type { EnvelopeFile } from '../envelope/envelope-file.ts';
import type { LatestFile, VersionFile } from '../envelope/version-file.ts';
import { WeightlockError } from '../errors.ts';
import type { StoreReader } from '../stores/store.ts';
import { readManifestObject } from './manifest-object.ts';
import { readEnvelope, readLatest, readVersion } from './stored-version.ts';

export interface InspectedVersion {
  /** Hex SHA-256 of the manifest object, compared with its bytes. Nothing else was verified. */
  readonly digest: string;
  readonly version: VersionFile;
  readonly envelope: EnvelopeFile;
  /** latest.json's pointer, where there is one. */
  readonly latest: LatestFile | null;
}

/** `digest`: hex; null = what latest.json names. Throws E_STORE_*, E_JSON_*, E_SCHEMA, E_LIMIT_*, E_OBJECT_MISMATCH. */
export async function inspectVersion(digest: string | null, store: StoreReader, signal: AbortSignal): Promise<InspectedVersion> {
  const latest = digest === null ? await readLatest(store, signal) : await readLatest(store, signal).catch(nullIfMissing);
  const chosen = digest ?? latest?.version;
  if (chosen === undefined) throw new WeightlockError('E_STORE_NOT_FOUND', `${store.url} names no latest version`);
  const version = await readVersion(chosen, store, signal);
  const envelope = await readEnvelope(version, store, signal);
  await readManifestObject(chosen, version, store, signal);
  return { digest: chosen, version, envelope, latest };
}

const nullIfMissing = (error: unknown): null => {
  if (error instanceof WeightlockError && error.code === 'E_STORE_NOT_FOUND') return null;
  throw error;
};
