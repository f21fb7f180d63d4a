// Step 8 of the order of opening (format.md §8): the selected files, fetched in parallel ranges, verified segment by segment, into a target.
import type { StoreReader } from '../stores/store.ts';
import type { OpenedModel } from './opened-model.ts';
import type { PlaintextTarget } from './plaintext-target.ts';

/** Progress; synchronous, must not throw. */
export interface LoadObserver {
  /** `bytes` more plaintext bytes were verified (and written). */
  verified(bytes: number): void;
  fileDone(path: string, bytes: number): void;
  /** A range failed with `error` and is asked for again. */
  retrying(path: string, error: Error): void;
}

export interface LoadOptions {
  readonly content: 'Digest' | 'Aead';
  /** Ranges in flight at once; each holds one segment (1 MiB) and its socket's buffer. */
  readonly connections: number;
  readonly observer: LoadObserver;
  /** Where a bundle carries the native BLAKE3 addon. */
  readonly hashAddonPath?: string;
}

/**
 * Loads `opened.selected` into `target`. Resolves when every file was finished. On the first final failure all connections end, unfinished files are
 * abandoned, and that failure is thrown. `NOWHERE` as the target makes it `verify`.
 */
export declare function loadFiles(opened: OpenedModel, store: StoreReader, target: PlaintextTarget, options: LoadOptions, signal: AbortSignal): Promise<void>;
