// A file to be sealed, and the facts by which a change while it is being read is noticed (format.md §4).
import type { BigIntStats } from 'node:fs';
import { WeightlockError } from '../errors.ts';

/** What `stat` said: equal before and after reading, or the read is void. Times in nanoseconds. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: bigint;
  readonly mtime: bigint;
  readonly ctime: bigint;
}

export interface SourceFile {
  /** As it will stand in the manifest: relative, `/`, NFC, held to the path rules of format.md §8. */
  readonly path: string;
  /** Where its bytes are: absolute, links resolved. */
  readonly realPath: string;
  readonly size: number;
  readonly identity: FileIdentity;
}

/** What a folder holds, and what of it does not travel: the CLI says the latter. */
export interface ScannedFolder {
  /** Absolute, links resolved. */
  readonly root: string;
  /** Sorted by the UTF-8 bytes of the path. */
  readonly files: readonly SourceFile[];
  readonly bytes: number;
  /** Folders without a file below them: not sealed. */
  readonly emptyFolders: readonly string[];
  /** Files that somebody could execute, or that carry setuid, setgid or sticky bits: sealed as 0444. */
  readonly droppedModes: readonly string[];
  /** `.git` and `.cache/huggingface`: not sealed. */
  readonly leftOut: readonly string[];
  /** How many files were reached through a link. */
  readonly linked: number;
}

export const identityOf = (facts: BigIntStats): FileIdentity => ({ device: facts.dev, inode: facts.ino, size: facts.size, mtime: facts.mtimeNs, ctime: facts.ctimeNs });

export const sameIdentity = (a: FileIdentity, b: FileIdentity): boolean =>
  a.device === b.device && a.inode === b.inode && a.size === b.size && a.mtime === b.mtime && a.ctime === b.ctime;

/** What the system said when we tried to `verb` `path`. */
export function ioError(verb: string, path: string, cause: unknown): WeightlockError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new WeightlockError('E_IO', `cannot ${verb} ${path}: ${said}`, { next: 'Check that the path exists and that you may read it.', cause });
}
