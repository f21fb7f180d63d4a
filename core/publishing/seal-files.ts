// Every file of a folder becomes an object of the store: file -> segments -> store, in constant memory, several at once.
import { SHARD_BYTES, WRITER_SEGMENT_BYTES } from '../envelope/limits.ts';
import type { Lineage } from '../envelope/lineage.ts';
import type { ManifestFile } from '../envelope/manifest.ts';
import { sealObject } from '../envelope/seal.ts';
import { objectKey } from '../envelope/storage-keys.ts';
import type { SegmentEngine } from '../engine/engine.ts';
import type { HashEngine } from '../hash/hasher.ts';
import type { StoreWriter } from '../stores/store.ts';
import { forEachBounded, type Bounds } from './bounded.ts';
import { readSource } from './read-source.ts';
import type { SourceFile } from './source-file.ts';

/** What happens while sealing, for whoever shows it. Synchronous; must not throw. */
export interface SealObserver {
  /** `bytes` more plaintext bytes were read and sealed. */
  sealed(bytes: number): void;
  fileDone(path: string, bytes: number): void;
}

const MIB = 2 ** 20;
/** Small files wait on round trips, so many at once; large ones hold buffers for their uploads, and few of them keep processor and link busy. */
const AT_ONCE: Bounds<SourceFile> = { most: 16, budget: 64 * MIB, weight: (file) => Math.min(file.size, 32 * MIB) };

export interface SealFilesInput {
  readonly files: readonly SourceFile[];
  readonly lineage: Lineage;
  readonly engine: SegmentEngine;
  readonly hash: HashEngine;
  readonly store: StoreWriter;
  readonly observer: SealObserver;
  /** Receives each storage key before anything is stored under it: what to remove should the sealing fail. */
  readonly begun: (key: string) => void;
}

/** Entries for the manifest, in the order of `files`. Throws E_SOURCE_CHANGED, E_IO, E_STORE_*. */
export async function sealFiles(input: SealFilesInput, signal: AbortSignal): Promise<readonly ManifestFile[]> {
  const { files, lineage, engine, hash, store, observer } = input;
  const entries = new Map<SourceFile, ManifestFile>();
  await forEachBounded(files, AT_ONCE, signal, async (file, signal) => {
    const plaintext = counted(readSource(file, WRITER_SEGMENT_BYTES, signal), observer);
    const sealing = sealObject({ lineage, kind: 'file', plaintextBytes: file.size, plaintext, hasher: await hash.hasher(), engine });
    const key = objectKey(sealing.objectId);
    input.begun(key);
    await store.putStream(key, sealing.objectBytes, sealing.ciphertext, signal);
    const shards = { alg: hash.algorithm, size: SHARD_BYTES, values: sealing.shards() } as const;
    entries.set(file, { path: file.path, size: file.size, object: sealing.objectId, segment: sealing.segmentBytes, tag: sealing.tag, shards });
    observer.fileDone(file.path, file.size);
  });
  return files.flatMap((file) => entries.get(file) ?? []);
}

async function* counted(pieces: AsyncIterable<Buffer>, observer: SealObserver): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of pieces) {
    yield piece;
    observer.sealed(piece.length);
  }
}
