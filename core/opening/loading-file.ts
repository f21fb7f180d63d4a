// One file on its way: its object opened and pinned by the first request, its header proven, its place in the target, and how many shards are still to come.
import { HEADER_BYTES, SEGMENT_OVERHEAD_BYTES } from '../envelope/limits.ts';
import type { ManifestFile } from '../envelope/manifest.ts';
import { openObject, type OpenedObject } from '../envelope/open.ts';
import { objectBytes, shardCount, type Layout } from '../envelope/plan.ts';
import { objectKey } from '../envelope/storage-keys.ts';
import type { OpenObject, StoreReader } from '../stores/store.ts';
import type { OpenedModel } from './opened-model.ts';
import type { PlaintextFile, PlaintextTarget } from './plaintext-target.ts';
import { onceMoreIfTampered } from './tampered.ts';

export interface OpenedFile {
  readonly stored: OpenObject;
  readonly sealed: OpenedObject;
  /** What came with the first request after the header: all of a small file's ciphertext, else nothing. */
  readonly early: Buffer;
  readonly plaintext: PlaintextFile;
}

export interface Origin {
  readonly model: OpenedModel;
  readonly store: StoreReader;
  readonly target: PlaintextTarget;
}

export class LoadingFile {
  readonly entry: ManifestFile;
  readonly layout: Layout;
  readonly #origin: Origin;
  #opening: Promise<OpenedFile> | undefined;
  #opened: OpenedFile | undefined;
  #shardsToCome: number;

  constructor(entry: ManifestFile, origin: Origin) {
    this.entry = entry;
    this.layout = { plaintextBytes: entry.size, segmentBytes: entry.segment };
    this.#origin = origin;
    this.#shardsToCome = Math.max(1, shardCount(entry.size));
  }

  /** The first caller sends the request; the others wait for it. */
  async opened(signal: AbortSignal): Promise<OpenedFile> {
    this.#opening ??= this.#open(signal);
    return this.#opening;
  }

  /** Returns whether that was the last one; the file is then finished. */
  shardDone(): boolean {
    this.#shardsToCome -= 1;
    if (this.#shardsToCome > 0) return false;
    this.#opened?.plaintext.finish();
    this.#opened?.sealed.destroy();
    return true;
  }

  /** Zeroes the file's keys and leaves what was written to whoever removes the staging. */
  abandon(): void {
    this.#opened?.plaintext.abandon();
    this.#opened?.sealed.destroy();
  }

  async #open(signal: AbortSignal): Promise<OpenedFile> {
    const { model, store, target } = this.#origin;
    const { path, object: objectId, size, segment, tag } = this.entry;
    // A file of one segment comes whole with its header: one request for each of the many small files of a model.
    const headBytes = size <= segment ? HEADER_BYTES + SEGMENT_OVERHEAD_BYTES + size : HEADER_BYTES;
    const { stored, sealed, early } = await onceMoreIfTampered(async () => {
      const { object, head } = await store.openObject(objectKey(objectId), headBytes, signal);
      const opened = openObject({
        head: head.subarray(0, HEADER_BYTES),
        objectBytes: object.size,
        expect: { kind: 'file', envelopeId: model.lineage.envelopeId, objectId, plaintextBytes: size, segmentBytes: segment, tag },
        bodyKey: model.lineage.bodyKey,
        engine: model.engine,
        what: path,
      });
      return { stored: object, sealed: opened, early: head.length === objectBytes(this.layout) ? head.subarray(HEADER_BYTES) : Buffer.alloc(0) };
    });
    try {
      signal.throwIfAborted();
      this.#opened = { stored, sealed, early, plaintext: target.create(path, size) };
      return this.#opened;
    } catch (error) {
      sealed.destroy();
      throw error;
    }
  }
}
