// The folder a model is loaded into and published in (format.md §8 "Publish"): a volume's root that we own, for one process at a time.
import { closeSync, constants, openSync, readFileSync, readlinkSync, lstatSync, statfsSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { needs, WeightlockError } from '../errors.ts';
import { close, enter, entriesOf, look, openTop, removeTree, within, type Directory } from './directory.ts';
import { io } from './io-error.ts';
import type { PlaintextTarget } from './plaintext-target.ts';
import { encodeReady, type ReadyFacts } from './ready-file.ts';
import { createStaging, type Staging } from './staging.ts';
import { lockTarget } from './target-lock.ts';

export type { ReadyFacts } from './ready-file.ts';

export const ROOT_NAMES = { model: 'model', staging: '.staging', ready: '.ready', attempts: '.attempts' } as const;
const FOLDERS: readonly string[] = [ROOT_NAMES.model, ROOT_NAMES.staging];
const FILES: readonly string[] = [ROOT_NAMES.ready, ROOT_NAMES.attempts];

const WHO_WRITES = 'Find out who writes into this volume.';

/** linux/magic.h */
const TMPFS_MAGIC = 0x01021994;
const MAX_READY_BYTES = 64 * 1024;
const MAX_ATTEMPTS_DIGITS = 9;

export interface ModelRoot {
  readonly path: string;
  readonly onTmpfs: boolean;
  /** From statfs: what files may still take here, the volume's size (0 of 0 where the file system has no limit of its own), and what the smallest file takes. */
  space(): { readonly freeBytes: number; readonly totalBytes: number; readonly blockBytes: number };
  /** Whether a complete model/ of exactly these facts and files lies here from an earlier try. */
  holds(facts: ReadyFacts, files: readonly { readonly path: string; readonly size: number }[]): boolean;
  /** Removes all that an earlier try left, model/ included; the count of tries stays. */
  clear(): Promise<void>;
  /** A fresh 0700 staging folder with the directories of `paths`. Once. */
  stage(paths: readonly string[]): PlaintextTarget;
  /** Widens modes, renames staging to model/ in one step, then writes .ready. */
  publish(facts: ReadyFacts): void;
  /** Counts this try in the volume and returns the count: 1 at the first. */
  countAttempt(): number;
  /** Removes staging, if it is still there, and gives the lock back. */
  close(): Promise<void>;
}

/**
 * Opens and locks `path`, an existing directory without a link in its way. Throws E_PATH_LINK (a link), E_PATH_CONFLICT (no directory, or
 * something in it that is not ours), E_TARGET_BUSY (another process loads into it), E_IO. The lock ends with the process.
 */
export async function openModelRoot(path: string): Promise<ModelRoot> {
  const root = openWithoutLinks(resolve(path));
  try {
    const unlock = await lockTarget(root);
    try {
      checkEntries(root);
      return modelRoot(root, unlock);
    } catch (error) {
      await unlock();
      throw error;
    }
  } catch (error) {
    close(root);
    throw error;
  }
}

function openWithoutLinks(path: string): Directory {
  const facts = io('look at', path, () => lstatSync(path, { throwIfNoEntry: false }));
  needs(facts !== undefined, 'E_IO', `there is no folder ${path}`, 'Mount a memory-backed volume there, or correct target.path.');
  needs(!facts.isSymbolicLink(), 'E_PATH_LINK', `${path} is a symbolic link`, 'Name the folder itself.');
  needs(facts.isDirectory(), 'E_PATH_CONFLICT', `${path} is not a folder`, 'Name a folder that Weightlock may own.');
  const root = openTop(path);
  const real = readlinkSync(`/proc/self/fd/${root.descriptor}`);
  if (real === path) return root;
  close(root);
  throw new WeightlockError('E_PATH_LINK', `${path} leads through a symbolic link to ${real}`, { next: `If that is what you mean, name ${real}.` });
}

/** §8: a volume's root that we own. What is not ours is never touched, so the root must not hold any. */
function checkEntries(root: Directory): void {
  for (const name of entriesOf(root)) {
    const shown = `${root.shown}/${name}`;
    const facts = look(root, name);
    if (facts === null) continue;
    const [folder, file] = [FOLDERS.includes(name), FILES.includes(name)];
    needs(folder || file, 'E_PATH_CONFLICT', `${shown} is not Weightlock's: the volume must belong to it alone`, 'Use a volume, or an empty folder, of its own.');
    needs(!facts.isSymbolicLink(), 'E_PATH_LINK', `${shown} is a symbolic link that Weightlock did not make`, WHO_WRITES);
    const right = folder ? facts.isDirectory() : facts.isFile();
    needs(right, 'E_PATH_CONFLICT', `${shown} is not what Weightlock makes under that name`, WHO_WRITES);
  }
}

function modelRoot(root: Directory, unlock: () => Promise<void>): ModelRoot {
  const onTmpfs = io('look at', root.shown, () => statfsSync(`/proc/self/fd/${root.descriptor}`)).type === TMPFS_MAGIC;
  let staging: Staging | undefined;
  const dropStaging = async (): Promise<void> => {
    staging?.release();
    staging = undefined;
    await removeTree(root, ROOT_NAMES.staging);
  };
  return {
    path: root.shown,
    onTmpfs,
    space: () => {
      const { bavail, blocks, bsize } = io('look at', root.shown, () => statfsSync(`/proc/self/fd/${root.descriptor}`));
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize, blockBytes: bsize };
    },
    holds: (facts, files) => readSmall(root, ROOT_NAMES.ready, MAX_READY_BYTES)?.equals(encodeReady(facts)) === true && holdsExactly(root, files),
    clear: async () => {
      for (const name of [ROOT_NAMES.ready, ROOT_NAMES.staging, ROOT_NAMES.model]) await removeTree(root, name);
    },
    stage: (paths) => {
      staging = createStaging(root, ROOT_NAMES.staging, paths, !onTmpfs);
      return staging;
    },
    publish: (facts) => {
      if (staging === undefined) throw new Error('nothing is staged');
      staging.renameTo(ROOT_NAMES.model);
      staging.release();
      staging = undefined;
      writeNew(root, ROOT_NAMES.ready, encodeReady(facts), 0o444);
    },
    countAttempt: () => {
      const before = Number(readSmall(root, ROOT_NAMES.attempts, MAX_ATTEMPTS_DIGITS)?.toString('latin1') ?? '0');
      const attempt = Number.isSafeInteger(before) && before >= 0 ? before + 1 : 1;
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
      write(root, ROOT_NAMES.attempts, Buffer.from(String(attempt)), flags, 0o600);
      return attempt;
    },
    close: async () => {
      try {
        await dropStaging();
      } finally {
        close(root);
        await unlock();
      }
    },
  };
}

const writeNew = (root: Directory, name: string, bytes: Buffer, mode: number): void =>
  write(root, name, bytes, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, mode);

function write(root: Directory, name: string, bytes: Buffer, flags: number, mode: number): void {
  io('write', `${root.shown}/${name}`, () => {
    const descriptor = openSync(within(root, name), flags, mode);
    try {
      writeSync(descriptor, bytes);
    } finally {
      closeSync(descriptor);
    }
  });
}

/** A small regular file of the root, or null where there is none or it is larger. */
function readSmall(root: Directory, name: string, maxBytes: number): Buffer | null {
  const facts = look(root, name);
  if (facts === null || !facts.isFile() || facts.size > maxBytes) return null;
  return io('read', `${root.shown}/${name}`, () => {
    const descriptor = openSync(within(root, name), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      return readFileSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  });
}

/** Whether model/ is a tree of regular files with exactly these paths and sizes. */
function holdsExactly(root: Directory, files: readonly { readonly path: string; readonly size: number }[]): boolean {
  const expected = new Map(files.map(({ path, size }) => [path, size]));
  let found = 0;
  const walk = (parent: Directory, name: string, path: string): boolean => {
    const directory = enter(parent, name);
    try {
      return entriesOf(directory).every((entry) => {
        const below = path === '' ? entry : `${path}/${entry}`;
        const facts = look(directory, entry);
        if (facts?.isDirectory() === true) return walk(directory, entry, below);
        found += 1;
        return facts?.isFile() === true && expected.get(below) === facts.size;
      });
    } finally {
      close(directory);
    }
  };
  return look(root, ROOT_NAMES.model)?.isDirectory() === true && walk(root, ROOT_NAMES.model, '') && found === expected.size;
}
