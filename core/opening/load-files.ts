// Step 8 of the order of opening (format.md §8): the selected files, fetched in parallel ranges, verified segment by segment, into a target.
import { shardCount, shardPlans, type ShardPlan } from '../envelope/plan.ts';
import { chooseHash } from '../hash/choose.ts';
import { SYSTEM_PACING, type Pacing } from '../retry.ts';
import type { StoreReader } from '../stores/store.ts';
import { createLane } from './lane.ts';
import { LoadingFile } from './loading-file.ts';
import { loadShard, type ShardObserver } from './load-shard.ts';
import type { OpenedModel } from './opened-model.ts';
import type { PlaintextTarget } from './plaintext-target.ts';

/** Progress; synchronous, must not throw. `verified`: so many more plaintext bytes. `retrying`: a range of `path` failed and is asked for again. */
export interface LoadObserver extends ShardObserver {
  fileDone(path: string, bytes: number): void;
}

export interface LoadOptions {
  readonly content: 'Digest' | 'Aead';
  /** Ranges in flight at once; each holds one segment (1 MiB), its plaintext and its socket's buffer. */
  readonly connections: number;
  readonly observer: LoadObserver;
  readonly pacing?: Pacing;
}

/**
 * Loads `model.selected` into `target`. Resolves when every file was finished. On the first final failure all connections end, unfinished files are
 * abandoned, and that failure is thrown. `NOWHERE` as the target makes it `verify`.
 */
export async function loadFiles(model: OpenedModel, store: StoreReader, target: PlaintextTarget, options: LoadOptions, signal: AbortSignal): Promise<void> {
  const origin = { model, store, target };
  const files = model.selected.map((entry) => new LoadingFile(entry, origin));
  const work = workOf(files);
  const digest = options.content === 'Digest';
  const algorithms = digest ? [...new Set(model.selected.map(({ shards }) => shards.alg))] : [];
  const hashEngines = await Promise.all(algorithms.map(async (algorithm) => chooseHash(algorithm)));
  const largestSegment = model.selected.reduce((largest, { segment }) => Math.max(largest, segment), 0);
  const shards = model.selected.reduce((sum, { size }) => sum + Math.max(1, shardCount(size)), 0);

  const firstFailure = new AbortController();
  const together = AbortSignal.any([signal, firstFailure.signal]);
  const run = async (): Promise<void> => {
    try {
      const lane = await createLane(largestSegment, hashEngines);
      for (let next = work.next(); next.done !== true; next = work.next()) {
        together.throwIfAborted();
        const [loading, shard] = next.value;
        const file = await loading.opened(together);
        await loadShard({ file, entry: loading.entry, layout: loading.layout, shard, digest }, lane, options.observer, options.pacing ?? SYSTEM_PACING, together);
        if (loading.shardDone()) options.observer.fileDone(loading.entry.path, loading.entry.size);
      }
    } catch (error) {
      firstFailure.abort(error); // the first call names the reason; later ones change nothing
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.connections, shards) }, run));
  if (!together.aborted) return;
  for (const file of files) file.abandon();
  throw together.reason;
}

/** All shards of all files, in order; each connection takes the next one. */
function* workOf(files: readonly LoadingFile[]): Generator<readonly [LoadingFile, ShardPlan], undefined> {
  for (const file of files) {
    for (const shard of shardPlans(file.layout)) yield [file, shard];
  }
}
