// The folder a model is loaded into and published in (format.md §8 "Publish"): a volume's root that we own, for one process at a time.
import type { FilePatterns } from './selection.ts';
import type { PlaintextTarget } from './plaintext-target.ts';

export const ROOT_NAMES = { model: 'model', staging: '.staging', ready: '.ready', attempts: '.attempts' } as const;

/** What a published model/ holds: the content of `.ready`. */
export interface ReadyFacts {
  /** Hex SHA-256 of the manifest object. */
  readonly digest: string;
  readonly patterns: FilePatterns;
  readonly content: 'Digest' | 'Aead';
}

export interface ModelRoot extends AsyncDisposable {
  readonly path: string;
  readonly onTmpfs: boolean;
  /** Bytes that files may still take, from statfs. */
  freeBytes(): number;
  /** Whether a complete model/ of exactly these facts lies here from an earlier try. */
  holds(facts: ReadyFacts, files: readonly { readonly path: string; readonly size: number }[]): boolean;
  /** Removes all that an earlier try left, model/ included. */
  clear(): Promise<void>;
  /** A fresh 0700 staging folder with the directories of `paths`. */
  stage(paths: readonly string[]): PlaintextTarget;
  /** Widens modes, renames staging to model/ in one step, writes .ready. */
  publish(facts: ReadyFacts): Promise<void>;
  /** Counts this try in the volume: 1 at the first. */
  countAttempt(): number;
  /** Removes staging, if it is still there, and gives the lock back. */
  close(): Promise<void>;
}

/**
 * Opens and locks `path`, an existing directory without a link in its way. Throws E_PATH_LINK (a link), E_PATH_CONFLICT (no directory, or
 * something in it that is not ours), E_TARGET_BUSY (another process loads into it), E_IO. The lock ends with the process.
 */
export declare function openModelRoot(path: string): Promise<ModelRoot>;
