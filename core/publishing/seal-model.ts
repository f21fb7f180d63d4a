// A folder becomes a published model: a new lineage, in the order of format.md §2, so that a reader sees all of it or nothing.
import { newLineage, type Lineage } from '../envelope/lineage.ts';
import { serializeEnvelopeFile } from '../envelope/envelope-file.ts';
import { SUITE } from '../envelope/prefix.ts';
import { chooseEngine } from '../engine/choose.ts';
import { chooseHash } from '../hash/choose.ts';
import type { StoreWriter } from '../stores/store.ts';
import { checkModel } from './model-identity.ts';
import { placeAtStart, type Position } from './position.ts';
import { PublicationUnknown, publishVersion, readLatest, type Published } from './publish-version.ts';
import { removeUnpublished } from './remove-unpublished.ts';
import { sealFiles, type SealObserver } from './seal-files.ts';
import type { ScannedFolder } from './source-file.ts';
import { wrapDek, type Recipient } from './wrap-dek.ts';

export interface PublishObserver extends SealObserver {
  /** Another publisher came first: the manifest is sealed again under `sequence`. */
  renumbered(sequence: number): void;
  /** These could not be removed after all. No version names them: they cost space, nothing else. */
  leftBehind(keys: readonly string[]): void;
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
  readonly observer: PublishObserver;
}

export interface SealedModel extends Published {
  /** Hex commitment: the lineage pin. */
  readonly lineage: string;
  readonly envelopeId: string;
  /** RFC 3339, UTC, whole seconds. */
  readonly created: string;
  readonly totals: { readonly files: number; readonly bytes: number };
}

/**
 * Seals and publishes. On any failure nothing that a reader would take for a model is left, and what was uploaded is removed as far as the store lets us.
 * Throws E_USAGE, E_SCHEMA, E_SOURCE_CHANGED, E_IO, E_LIMIT_*, E_STORE_*, E_KMS_*, E_CREDENTIALS.
 */
export async function sealModel(request: SealRequest, signal: AbortSignal): Promise<SealedModel> {
  checkModel(request.model, request.folder);
  const fresh = newLineage();
  try {
    // In the order in which a person wants to hear of trouble: who may not wrap, or not write here, learns it before hours of uploading.
    const pointer = await readLatest(request.store, signal);
    const place = placeAtStart(request.position, pointer.file);
    const wraps = await wrapDek(fresh.dek, fresh, request.recipients, signal);
    fresh.dek.destroy();
    const envelope = serializeEnvelopeFile({ suite: SUITE, envelopeId: fresh.envelopeId, commitment: fresh.commitment, wraps: [...wraps] });
    return await uploadAll(request, fresh, envelope, { pointer, place }, signal);
  } finally {
    fresh.dek.destroy();
    fresh.bodyKey.destroy();
  }
}

async function uploadAll(
  request: SealRequest, lineage: Lineage, envelope: Buffer, at: Pick<Parameters<typeof publishVersion>[0], 'pointer' | 'place'>, signal: AbortSignal,
): Promise<SealedModel> {
  const { folder, store, model, observer } = request;
  const engine = chooseEngine();
  const hash = await chooseHash(request.hash);
  const unpublished = new Set<string>();
  const begun = (key: string): void => void unpublished.add(key);
  const remove = async (keys: readonly string[]): Promise<void> => {
    const left = await removeUnpublished(store, keys);
    for (const key of keys) unpublished.delete(key);
    if (left.length > 0) observer.leftBehind(left);
  };
  try {
    const files = await sealFiles({ files: folder.files, lineage, engine, hash, store, observer, begun }, signal);
    const totals = { files: files.length, bytes: folder.bytes };
    const created = request.now().toISOString().replace(/\.\d+Z$/, 'Z');
    const content = { envelopeId: lineage.envelopeId, model, created, expires: null, totals, files, annotations: new Map<string, string>() };
    const renumbered = async (obsolete: readonly string[], sequence: number): Promise<void> => {
      observer.renumbered(sequence);
      await remove(obsolete);
    };
    const published = await publishVersion({ store, lineage, envelope, engine, content, ...at, begun, renumbered }, signal);
    return { ...published, lineage: lineage.commitment, envelopeId: lineage.envelopeId, created, totals };
  } catch (error) {
    if (!(error instanceof PublicationUnknown)) await remove([...unpublished]);
    throw error;
  }
}
