// `.staging/`: where verified plaintext gathers, 0700, until all of it may be seen (format.md §8).
import { closeSync, constants, fchmodSync, fstatSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { needs } from '../errors.ts';
import { close, enter, inside, look, within, type Directory } from './directory.ts';
import { io } from './io-error.ts';
import type { PlaintextFile, PlaintextTarget } from './plaintext-target.ts';

const FILE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const PUBLISHED_FILE_MODE = 0o444;
const PUBLISHED_FOLDER_MODE = 0o555;

export interface Staging extends PlaintextTarget {
  /** Widens the modes of all folders and renames the whole to `name` in one step; an empty folder of that name is replaced. */
  renameTo(name: string): void;
  /** Gives descriptors back. What is staged stays. */
  release(): void;
}

/** The folders that `paths` need, parents first. */
const foldersOf = (paths: readonly string[]): string[] => {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) folders.add(path.slice(0, slash));
  }
  return [...folders].sort((a, b) => a.length - b.length);
};

const split = (path: string): { readonly folders: string[]; readonly name: string } => {
  const components = path.split('/');
  return { folders: components.slice(0, -1), name: components.at(-1) ?? '' };
};

/** Creates `name` in `root`, which must not exist, with the folders of `paths`. `durable`: fsync what is finished (the target outlives a power cut). */
export function createStaging(root: Directory, name: string, paths: readonly string[], durable: boolean): Staging {
  const shown = `${root.shown}/${name}`;
  io('create', shown, () => mkdirSync(within(root, name), 0o700));
  const staging = enter(root, name);
  const folders = foldersOf(paths);
  for (const folder of folders) {
    const { folders: parents, name: leaf } = split(folder);
    inside(staging, parents, (parent) => io('create', `${shown}/${folder}`, () => mkdirSync(within(parent, leaf), 0o700)));
  }
  const settle = (directory: Directory): void => {
    io('change the mode of', directory.shown, () => fchmodSync(directory.descriptor, PUBLISHED_FOLDER_MODE));
    if (durable) io('flush', directory.shown, () => fsyncSync(directory.descriptor));
  };
  return {
    create: (path) => createFile(staging, path, durable),
    renameTo: (to) => {
      // §8: a consumer only ever sees what we staged. What now bears the name must be the folder that was written into.
      const [ours, named] = [fstatSync(staging.descriptor), look(root, name)];
      const same = named?.ino === ours.ino && named.dev === ours.dev;
      needs(same, 'E_PATH_LINK', `${shown} was replaced while the model was loading`, 'Find out who else writes into this volume.');
      for (const folder of folders.toReversed()) inside(staging, folder.split('/'), settle);
      settle(staging);
      io(`rename to ${to}`, shown, () => renameSync(within(root, name), within(root, to)));
      if (durable) io('flush', root.shown, () => fsyncSync(root.descriptor));
    },
    release: () => close(staging),
  };
}

function createFile(staging: Directory, path: string, durable: boolean): PlaintextFile {
  const { folders, name } = split(path);
  const shown = `${staging.shown}/${path}`;
  const descriptor = inside(staging, folders, (parent) => io('create', shown, () => openSync(within(parent, name), FILE_FLAGS, 0o600)));
  let open = true;
  const end = (): void => {
    open = false;
    closeSync(descriptor);
  };
  return {
    write: (bytes, position) => {
      for (let done = 0; done < bytes.length; ) {
        done += io('write', shown, () => writeSync(descriptor, bytes, done, bytes.length - done, position + done));
      }
    },
    finish: () => {
      io('change the mode of', shown, () => fchmodSync(descriptor, PUBLISHED_FILE_MODE));
      if (durable) io('flush', shown, () => fsyncSync(descriptor));
      io('close', shown, end);
    },
    abandon: () => {
      if (open) end();
    },
  };
}
