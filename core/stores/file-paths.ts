// Keys as paths below one folder, and what the file system's refusals mean for a store.
import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { type ErrorCode, needs, WeightlockError } from '../errors.ts';

/** Where unfinished files lie: no key starts with a dot, so nothing here is ever seen as one. */
export const UPLOADS_FOLDER = '.uploads';

const KEY_PART = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** The path of `key` below `root`. A key that could leave it, or name what is unfinished, is a defect of the caller. */
export function pathOf(root: string, key: string): string {
  const parts = key.split('/');
  needs(parts.every((part) => KEY_PART.test(part)), 'E_INTERNAL', `${JSON.stringify(key)} is not a key of a store`);
  return join(root, ...parts);
}

/** Names exactly these bytes as long as nobody sets times back: inode, modification time, length. */
export const fileEtag = (facts: BigIntStats): string => `"${facts.ino.toString(16)}-${facts.mtimeNs.toString(16)}-${facts.size.toString(16)}"`;

const CODES: Readonly<Record<string, readonly [ErrorCode, next: string]>> = {
  ENOENT: ['E_STORE_NOT_FOUND', 'Check folder and digest; a version that was pruned must be published again.'],
  ENOTDIR: ['E_STORE_NOT_FOUND', 'Check the folder.'],
  EACCES: ['E_STORE_DENIED', 'Check owner and mode of the folder.'],
  EPERM: ['E_STORE_DENIED', 'Check owner and mode of the folder.'],
  EROFS: ['E_STORE_DENIED', 'The file system is mounted read-only.'],
  ELOOP: ['E_STORE_DENIED', 'It is a link: a store holds regular files only.'],
  ENOSPC: ['E_NO_SPACE', 'Make room on that file system.'],
  EDQUOT: ['E_NO_SPACE', 'Raise the quota, or make room.'],
};

/** Waits for one call to the file system and gives its refusal a code. Only such calls go through here: what a sink or a source throws is not ours to name. */
export async function fileCall<T>(action: 'list' | 'read' | 'write' | 'remove', path: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const [ours, next] = CODES[code ?? ''] ?? (['E_IO', 'Look at the system\'s log for that disk.'] as const);
    throw new WeightlockError(ours, `cannot ${action} ${path}: ${message}`, { next, cause: error });
  }
}
