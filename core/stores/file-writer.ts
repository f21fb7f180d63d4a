// A folder as a store, for publishing. A file is written aside, made durable, and only then appears under its key, in one step: link(2) for a new key,
// rename(2) under the folder's lock for a replacement.
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { needs, WeightlockError } from '../errors.ts';
import { withFolderLock } from './file-lock.ts';
import { fileCall, fileEtag, pathOf, UPLOADS_FOLDER } from './file-paths.ts';
import { FileReader } from './file-reader.ts';
import type { PutCondition, StoreWriter } from './store.ts';

/** What a killed publisher left is removed once nobody has written to it for this long. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;
/** link(2) where the file system has no hard links (FAT, some FUSE and SMB mounts). */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

export class FileWriter extends FileReader implements StoreWriter {
  readonly conditional = true;
  #swept = false;

  async putSmall(key: string, bytes: Buffer, condition: PutCondition, signal: AbortSignal): Promise<{ readonly etag: string }> {
    return this.#store(key, bytes.length, [bytes], condition, signal);
  }

  async putStream(key: string, length: number, body: AsyncIterable<Buffer>, signal: AbortSignal): Promise<{ readonly etag: string }> {
    return this.#store(key, length, body, { kind: 'create' }, signal);
  }

  async remove(key: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const path = pathOf(this.root, key);
    await fileCall('remove', path, rm(path, { force: true }));
    await fileCall('remove', path, syncFolder(dirname(path)).catch(unlessAbsent));
  }

  async #store(key: string, length: number, body: AsyncIterable<Buffer> | Iterable<Buffer>, condition: PutCondition, signal: AbortSignal): Promise<{ readonly etag: string }> {
    signal.throwIfAborted();
    const path = pathOf(this.root, key);
    const step = <T>(call: Promise<T>): Promise<T> => fileCall('write', path, call);
    const uploads = await openUploads(join(this.root, UPLOADS_FOLDER));
    const aside = join(insideOf(uploads), randomUUID());
    try {
      await step(this.#sweep(insideOf(uploads)));
      await writeAside(aside, path, length, body, signal);
      await step(makeFolder(this.root, dirname(path)));
      await (condition.kind === 'create' ? this.#create(aside, path, signal) : this.#moveIf(condition.etag, aside, path, signal));
      await step(syncFolder(dirname(path)));
      return { etag: fileEtag(await step(stat(path, { bigint: true }))) };
    } finally {
      await rm(aside, { force: true });
      await uploads.close();
    }
  }

  async #create(aside: string, path: string, signal: AbortSignal): Promise<void> {
    const refused = await link(aside, path).then(() => null, (error: NodeJS.ErrnoException) => error);
    if (refused === null) return;
    if (refused.code === 'EEXIST') throw conflict(path);
    if (!NO_LINKS.has(refused.code ?? '')) return fileCall('write', path, Promise.reject(refused));
    await this.#moveIf(null, aside, path, signal);
  }

  /** Puts `aside` in the place of what is named by `etag`; null = nothing may be there. */
  async #moveIf(etag: string | null, aside: string, path: string, signal: AbortSignal): Promise<void> {
    await withFolderLock(this.root, signal, async () => {
      if ((await etagOf(path)) !== etag) throw conflict(path);
      await fileCall('write', path, rename(aside, path));
    });
  }

  async #sweep(uploads: string): Promise<void> {
    if (this.#swept) return;
    this.#swept = true;
    for (const name of await readdir(uploads)) {
      const facts = await lstat(join(uploads, name)).catch(() => null);
      if (facts !== null && !facts.isDirectory() && Date.now() - facts.mtimeMs > ABANDONED_AFTER_MS) await rm(join(uploads, name), { force: true });
    }
  }
}

/** Held open, and everything in it named through it: who writes to the store could put a link in its place, and we would write and clear up elsewhere. */
async function openUploads(path: string): Promise<FileHandle> {
  await fileCall('write', path, mkdir(path, { recursive: true, mode: 0o700 }));
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
    .catch((error: NodeJS.ErrnoException) => (error.code === 'ENOTDIR' ? null : fileCall('write', path, Promise.reject(error))));
  needs(folder !== null, 'E_STORE_DENIED', `${path} is a link`, 'Weightlock makes no links: look at who made this one, then remove it.');
  return folder;
}

/** The folder itself, wherever its name leads by now (proc_pid_fd(5)). */
const insideOf = (folder: FileHandle): string => `/proc/self/fd/${folder.fd}`;

/** `shown`: what is being stored, for messages. */
async function writeAside(aside: string, shown: string, length: number, body: AsyncIterable<Buffer> | Iterable<Buffer>, signal: AbortSignal): Promise<void> {
  const step = <T>(call: Promise<T>): Promise<T> => fileCall('write', shown, call);
  const file = await step(open(aside, 'wx', 0o644));
  try {
    let total = 0;
    for await (const chunk of body) {
      signal.throwIfAborted();
      total += chunk.length;
      needs(total <= length, 'E_INTERNAL', `a stream of ${length} bytes went on after them`);
      await step(file.writeFile(chunk));
    }
    needs(total === length, 'E_INTERNAL', `a stream of ${length} bytes ended after ${total}`);
    await step(file.sync());
  } finally {
    await file.close();
  }
}

/** Makes `folder` and, below `root`, every new entry of its parents durable. */
async function makeFolder(root: string, folder: string): Promise<void> {
  if ((await mkdir(folder, { recursive: true })) === undefined) return;
  for (let at = folder; at !== root; at = dirname(at)) await syncFolder(dirname(at));
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function etagOf(path: string): Promise<string | null> {
  const facts = await fileCall('write', path, stat(path, { bigint: true }).catch(unlessAbsent));
  return facts === null ? null : fileEtag(facts);
}

const conflict = (path: string): WeightlockError =>
  new WeightlockError('E_STORE_CONFLICT', `${path} is not as it was expected to be: another publisher was faster, or it exists already`, { next: 'Nothing was changed. Publish again.' });

function unlessAbsent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
