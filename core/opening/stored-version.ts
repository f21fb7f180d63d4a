// The small files a reader starts from (format.md §8 step 2): capped, strict, and equal where they repeat. Candidates, never trusted.
import { checkVersionAndEnvelope } from '../envelope/agreement.ts';
import { parseEnvelopeFile, type EnvelopeFile } from '../envelope/envelope-file.ts';
import { MAX_SMALL_FILE_BYTES } from '../envelope/limits.ts';
import { envelopeKey, LATEST_KEY, versionKey } from '../envelope/storage-keys.ts';
import { parseLatestFile, parseVersionFile, type LatestFile, type VersionFile } from '../envelope/version-file.ts';
import type { StoreReader } from '../stores/store.ts';
import { onceMoreIfTampered } from './tampered.ts';

const where = (store: StoreReader, key: string): string => `${store.url}/${key}`;

export async function readLatest(store: StoreReader, signal: AbortSignal): Promise<LatestFile> {
  const { bytes } = await store.readSmall(LATEST_KEY, MAX_SMALL_FILE_BYTES, signal);
  return parseLatestFile(bytes, where(store, LATEST_KEY));
}

/** `digest`: hex SHA-256 of the manifest object. */
export async function readVersion(digest: string, store: StoreReader, signal: AbortSignal): Promise<VersionFile> {
  const key = versionKey(digest);
  const { bytes } = await store.readSmall(key, MAX_SMALL_FILE_BYTES, signal);
  return parseVersionFile(bytes, where(store, key));
}

export async function readEnvelope(version: VersionFile, store: StoreReader, signal: AbortSignal): Promise<EnvelopeFile> {
  const key = envelopeKey(version.envelopeId);
  return onceMoreIfTampered(async () => {
    const { bytes } = await store.readSmall(key, MAX_SMALL_FILE_BYTES, signal);
    const envelope = parseEnvelopeFile(bytes, where(store, key));
    checkVersionAndEnvelope(version, envelope);
    return envelope;
  });
}
