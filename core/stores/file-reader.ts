// A folder as a store, for reading. Regular files only: a planted link, FIFO or device is refused without being waited for.
import { constants } from 'node:fs';
import { type FileHandle, open, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { needs, WeightlockError } from '../errors.ts';
import { fileCall, fileEtag, pathOf } from './file-paths.ts';
import type { ByteRange, OpenObject, RangeSink, StoredBytes, StoreReader } from './store.ts';

const READ_BYTES = 1024 * 1024;

interface OpenFile {
  readonly file: FileHandle;
  readonly size: number;
  readonly etag: string;
}

export class FileReader implements StoreReader {
  readonly root: string;

  /** `root`: an absolute path. */
  constructor(root: string) {
    this.root = root;
  }

  get url(): string {
    return pathToFileURL(this.root).href;
  }

  async readSmall(key: string, maxBytes: number, signal: AbortSignal): Promise<StoredBytes> {
    const { object, head } = await this.openObject(key, maxBytes, signal);
    needs(object.size <= maxBytes, 'E_LIMIT_SIZE', `${pathOf(this.root, key)} has ${object.size} bytes; the limit is ${maxBytes}`, 'It is not what Weightlock wrote: look at who wrote it.');
    return { bytes: head, etag: object.etag };
  }

  async openObject(key: string, headBytes: number, signal: AbortSignal): Promise<{ readonly object: OpenObject; readonly head: Buffer }> {
    const path = pathOf(this.root, key);
    const { size, etag, head } = await this.#withFile(path, signal, async (opened) => {
      const chunks: Buffer[] = [];
      await readRange(opened, { start: 0, end: Math.min(headBytes, opened.size) }, (chunk) => void chunks.push(Buffer.from(chunk)), path, signal);
      return { ...opened, head: Buffer.concat(chunks) };
    });
    const read = (range: ByteRange, sink: RangeSink, readSignal: AbortSignal): Promise<void> =>
      this.#withFile(path, readSignal, async (opened) => {
        needs(opened.etag === etag, 'E_STORE_CHANGED', `${path} was replaced while it was being read`, CHANGED_NEXT);
        needs(range.end <= size, 'E_STORE_RANGE', `${path} has ${size} bytes; bytes ${range.start}-${range.end - 1} were asked for`, 'The object is shorter than its header says: publish it again.');
        await readRange(opened, range, sink, path, readSignal);
      });
    return { object: { size, etag, read }, head };
  }

  async *list(folder: string, signal: AbortSignal): AsyncIterable<{ readonly key: string; readonly size: number; readonly modified: Date }> {
    const path = join(this.root, folder);
    const directory = await fileCall('list', path, opendir(path)).catch(unlessGone); // no folder: as in a bucket, where there are none
    if (directory === null) return;
    for await (const entry of directory) {
      signal.throwIfAborted();
      const key = `${folder}/${entry.name}`;
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) yield* this.list(key, signal);
      else if (entry.isFile()) {
        const facts = await this.#withFile(join(this.root, key), signal, ({ file }) => file.stat()).catch(unlessGone);
        if (facts !== null) yield { key, size: facts.size, modified: facts.mtime };
      }
    }
  }

  close(): void {
    // Nothing stays open between calls.
  }

  async #withFile<T>(path: string, signal: AbortSignal, use: (opened: OpenFile) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const file = await fileCall('read', path, open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
    try {
      const facts = await fileCall('read', path, file.stat({ bigint: true }));
      needs(facts.isFile(), 'E_STORE_DENIED', `${path} is not a regular file`, 'A store holds regular files only: look at who made it.');
      return await use({ file, size: Number(facts.size), etag: fileEtag(facts) });
    } finally {
      await file.close();
    }
  }
}

const CHANGED_NEXT = 'Stored objects never change: somebody wrote over this one. Publish again.';

/** Delivers `range`, then holds the file against what it was: a reader must not be given bytes of two versions as one. */
async function readRange({ file, etag }: OpenFile, range: ByteRange, sink: RangeSink, path: string, signal: AbortSignal): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(READ_BYTES, range.end - range.start)));
  for (let at = range.start; at < range.end;) {
    signal.throwIfAborted();
    const { bytesRead } = await fileCall('read', path, file.read(buffer, 0, Math.min(buffer.length, range.end - at), at));
    signal.throwIfAborted();
    needs(bytesRead > 0, 'E_STORE_CHANGED', `${path} became shorter while it was being read`, CHANGED_NEXT);
    sink(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  needs(fileEtag(await fileCall('read', path, file.stat({ bigint: true }))) === etag, 'E_STORE_CHANGED', `${path} was changed while it was being read`, CHANGED_NEXT);
}

function unlessGone(error: unknown): null {
  if (error instanceof WeightlockError && error.code === 'E_STORE_NOT_FOUND') return null;
  throw error;
}
