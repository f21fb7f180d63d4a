// What somebody who owns the store can do to a sealed model: the bucket is a plain folder here.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readSync, renameSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { S3Server } from './s3.ts';

export interface Stolen {
  /** `<prefix>` on disk. */
  readonly folder: string;
  /** Files of `objects/`, the largest first. */
  readonly objects: readonly string[];
}

export function steal(s3: S3Server, bucket: string, prefix: string): Stolen {
  const folder = join(s3.folder, bucket, prefix);
  const objects = readdirSync(join(folder, 'objects')).map((name) => join(folder, 'objects', name));
  return { folder, objects: objects.sort((a, b) => statSync(b).size - statSync(a).size) };
}

function nth<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`there are ${items.length} objects`);
  return item;
}
export const largest = ({ objects }: Stolen): string => nth(objects, 0);
export const second = ({ objects }: Stolen): string => nth(objects, 1);

/** Changes one bit in the middle, in place: size, name and ETag stay. */
export function flipByte(file: string): void {
  const at = Math.floor(statSync(file).size / 2);
  const descriptor = openSync(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    readSync(descriptor, byte, 0, 1, at);
    writeSync(descriptor, Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, at);
  } finally {
    closeSync(descriptor);
  }
}

export const cutShort = (file: string, bytes: number): void => truncateSync(file, statSync(file).size - bytes);
export const remove = (file: string): void => rmSync(file);

/** Each under the other's name. */
export function swap(one: string, other: string): void {
  renameSync(one, `${one}.swapping`);
  renameSync(other, one);
  renameSync(`${one}.swapping`, other);
}

/** All of `from` under the name of `to`, with what the server noted about each object (its ETag lies in extended attributes). */
export function replaceAll(from: Stolen, to: Stolen): void {
  rmSync(to.folder, { recursive: true });
  execFileSync('cp', ['--archive', from.folder, to.folder]);
}
