// Folders by descriptor. Every step down is taken from an open parent and never through a link, so that swapping a name for a link redirects nothing.
import { closeSync, constants, fchmodSync, fstatSync, lstatSync, openSync, readdirSync, rmdirSync, type Stats } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { io, isMissing } from './io-error.ts';

const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Freeing a file's memory takes the kernel a while; a few at once, on libuv's four threads. */
const UNLINKS_AT_ONCE = 4;

/** An open folder. `shown` is its path for messages. */
export interface Directory {
  readonly descriptor: number;
  readonly shown: string;
}

/** `name` in `directory`, as openat(2) would see it: the kernel resolves /proc/self/fd/N to the open folder itself, wherever its name points by now. */
export const within = (directory: Directory, name: string): string => `/proc/self/fd/${directory.descriptor}/${name}`;

export const entriesOf = (directory: Directory): string[] => io('list', directory.shown, () => readdirSync(`/proc/self/fd/${directory.descriptor}`));

export const close = (directory: Directory): void => closeSync(directory.descriptor);

export function openTop(path: string): Directory {
  return { descriptor: io('open the folder', path, () => openSync(path, DIRECTORY_FLAGS)), shown: path };
}

export function enter(parent: Directory, name: string): Directory {
  const shown = `${parent.shown}/${name}`;
  return { descriptor: io('open the folder', shown, () => openSync(within(parent, name), DIRECTORY_FLAGS)), shown };
}

/** Runs `use` in the folder that `components` lead to, and closes everything it opened on the way. */
export function inside<T>(top: Directory, components: readonly string[], use: (directory: Directory) => T): T {
  const [first, ...rest] = components;
  if (first === undefined) return use(top);
  const child = enter(top, first);
  try {
    return inside(child, rest, use);
  } finally {
    close(child);
  }
}

/** lstat, or null where there is nothing of that name. */
export function look(parent: Directory, name: string): Stats | null {
  return io('look at', `${parent.shown}/${name}`, () => lstatSync(within(parent, name), { throwIfNoEntry: false })) ?? null;
}

/** Removes `name` and all below it, 0555 folders included; follows no link. Nothing there is fine. */
export async function removeTree(parent: Directory, name: string): Promise<void> {
  const facts = look(parent, name);
  if (facts === null) return;
  const shown = `${parent.shown}/${name}`;
  if (!facts.isDirectory()) return removeFile(parent, name);
  if (removeEmpty(parent, name)) return; // also one of root's that we may not open: the kubelet makes such for subPath mounts
  const directory = enter(parent, name);
  try {
    if (fstatSync(directory.descriptor).uid === process.getuid?.()) io('change the mode of', shown, () => fchmodSync(directory.descriptor, 0o700));
    const entries = readdirSync(`/proc/self/fd/${directory.descriptor}`, { withFileTypes: true });
    const files = entries.filter((entry) => !entry.isDirectory());
    for (let at = 0; at < files.length; at += UNLINKS_AT_ONCE) {
      await Promise.all(files.slice(at, at + UNLINKS_AT_ONCE).map(async (entry) => removeFile(directory, entry.name)));
    }
    for (const entry of entries) if (entry.isDirectory()) await removeTree(directory, entry.name);
  } finally {
    close(directory);
  }
  io('remove the folder', shown, () => rmdirSync(within(parent, name)));
}

function removeEmpty(parent: Directory, name: string): boolean {
  try {
    rmdirSync(within(parent, name));
    return true;
  } catch {
    return false; // what is in the way is said by what follows
  }
}

async function removeFile(parent: Directory, name: string): Promise<void> {
  try {
    await unlink(within(parent, name));
  } catch (error) {
    if (!isMissing(error)) io('remove', `${parent.shown}/${name}`, () => { throw error; });
  }
}
