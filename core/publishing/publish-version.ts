// The last steps of publishing (format.md §2): manifest, version, then latest.json under a condition. Readers see the version before or after, never half of it.
import { needs, WeightlockError } from '../errors.ts';
import { MAX_SMALL_FILE_BYTES } from '../envelope/limits.ts';
import type { Lineage } from '../envelope/lineage.ts';
import type { Manifest } from '../envelope/manifest.ts';
import { SUITE } from '../envelope/prefix.ts';
import { sealManifest } from '../envelope/sealed-manifest.ts';
import { envelopeKey, LATEST_KEY, objectKey, versionKey } from '../envelope/storage-keys.ts';
import { parseLatestFile, serializeLatestFile, serializeVersionFile, type LatestFile } from '../envelope/version-file.ts';
import type { SegmentEngine } from '../engine/engine.ts';
import type { PutCondition, StoreWriter } from '../stores/store.ts';
import { placeAfterConflict, type Place } from './position.ts';
import { createSmall } from './create-small.ts';

/** latest.json as it was read, and the condition under which it may be replaced. `file` is null where there is none. */
export interface Pointer {
  readonly condition: PutCondition;
  readonly file: LatestFile | null;
}

const NO_POINTER: Pointer = { condition: { kind: 'create' }, file: null };

/** Throws E_STORE_*; E_JSON_*, E_SCHEMA where latest.json is damaged. */
export async function readLatest(store: StoreWriter, signal: AbortSignal): Promise<Pointer> {
  try {
    const { bytes, etag } = await store.readSmall(LATEST_KEY, MAX_SMALL_FILE_BYTES, signal);
    return { condition: { kind: 'replace', etag }, file: parseLatestFile(bytes, LATEST_KEY) };
  } catch (error) {
    if (!(error instanceof WeightlockError)) throw error;
    if (error.code === 'E_STORE_NOT_FOUND') return NO_POINTER;
    if (error.class !== 'format') throw error;
    throw new WeightlockError(error.code, `latest.json of ${store.url} is damaged: ${error.message}`, { next: 'Find out who wrote it; then delete it and seal with --previous model.yaml.', cause: error });
  }
}

export interface PublishInput {
  readonly store: StoreWriter;
  readonly lineage: Lineage;
  /** The envelope file's bytes. */
  readonly envelope: Buffer;
  readonly engine: SegmentEngine;
  /** All of the manifest but its place. */
  readonly content: Omit<Manifest, 'schema' | 'sequence' | 'previous'>;
  readonly place: Place;
  /** latest.json as `place` was derived from it. */
  readonly pointer: Pointer;
  readonly begun: (key: string) => void;
  /** Another publisher came first: what was written under its number is to be removed, and sealing goes on under `sequence`. */
  readonly renumbered: (obsolete: readonly string[], sequence: number) => Promise<void>;
}

export interface Published extends Place {
  /** Hex SHA-256 of the manifest object. */
  readonly digest: string;
}

/** As often as others may come first. With a fresh reading each time, eight in a row means that something else is wrong. */
const MAX_ROUNDS = 8;

const COMPARE_MS = 10_000;

/** Throws E_STORE_*; E_STORE_CONFLICT after MAX_ROUNDS; PublicationUnknown. */
export async function publishVersion(input: PublishInput, signal: AbortSignal): Promise<Published> {
  const { store, lineage, engine, content, begun } = input;
  let { place, pointer } = input;
  for (let round = 1; ; round++) {
    const { objectId, bytes, digest } = await sealManifest({ ...content, ...place, previous: place.previous === null ? null : `sha256:${place.previous}` }, lineage, engine);
    const version = serializeVersionFile({
      suite: SUITE, envelopeId: lineage.envelopeId, commitment: lineage.commitment, manifest: { object: objectId, bytes: bytes.length }, totals: content.totals, signatures: [],
    });
    begun(objectKey(objectId));
    await store.putStream(objectKey(objectId), bytes.length, once(bytes), signal);
    if (round === 1) {
      begun(envelopeKey(lineage.envelopeId));
      await createSmall(store, envelopeKey(lineage.envelopeId), input.envelope, signal);
    }
    begun(versionKey(digest));
    await createSmall(store, versionKey(digest), version, signal);
    const outcome = await point(store, { version: digest, sequence: place.sequence }, pointer, signal);
    if (outcome.kind === 'pointed') return { ...place, digest };
    needs(round < MAX_ROUNDS, 'E_STORE_CONFLICT', `other publishers came first ${MAX_ROUNDS} times in a row at ${store.url}`, 'Seal again when they are done.');
    pointer = outcome.pointer;
    place = placeAfterConflict(place, pointer.file);
    await input.renumbered([versionKey(digest), objectKey(objectId)], place.sequence);
  }
}

/** Nobody can say whether latest.json names the new version, or will once a late request arrives: all of it must be left as it is. */
export class PublicationUnknown extends WeightlockError {
  constructor(store: StoreWriter, digest: string, cause: unknown) {
    super('E_STORE_UNAVAILABLE', `the store gave no answer while latest.json was written: version sha256:${digest} at ${store.url} is complete, but may not be the latest`, {
      next: 'Look with `weightlock ls`; if it is not marked as the latest, seal again.',
      cause,
    });
  }
}

type Pointed = { readonly kind: 'pointed' } | { readonly kind: 'conflict'; readonly pointer: Pointer };

/** §2: on 412, or where the answer is lost, GET and compare; never the same bytes over another's. */
async function point(store: StoreWriter, ours: Omit<LatestFile, 'format'>, pointer: Pointer, signal: AbortSignal): Promise<Pointed> {
  try {
    await store.putSmall(LATEST_KEY, serializeLatestFile(ours), pointer.condition, signal);
    return { kind: 'pointed' };
  } catch (error) {
    const code = error instanceof WeightlockError ? error.code : null;
    if (code !== 'E_STORE_CONFLICT' && code !== 'E_STORE_UNAVAILABLE' && code !== 'E_STORE_THROTTLED' && !signal.aborted) throw error;
    // Under a deadline of its own: the signal may be what cut the answer off.
    const now = await readLatest(store, AbortSignal.timeout(COMPARE_MS)).catch((cause: unknown) => {
      throw new PublicationUnknown(store, ours.version, cause);
    });
    if (now.file?.version === ours.version) return { kind: 'pointed' };
    if (code === 'E_STORE_CONFLICT') return { kind: 'conflict', pointer: now };
    throw new PublicationUnknown(store, ours.version, error);
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield bytes;
}
