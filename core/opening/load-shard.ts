// One shard: one range request, its segments verified one by one and written, its digest compared (format.md §4, §5, §8 step 8).
import type { ManifestFile } from '../envelope/manifest.ts';
import { segmentPlan, type Layout, type ShardPlan } from '../envelope/plan.ts';
import { checkShard } from '../envelope/shards.ts';
import type { Hasher } from '../hash/hasher.ts';
import { isRetryable, pauseBefore, type Pacing, type RetryPolicy } from '../retry.ts';
import type { Lane } from './lane.ts';
import type { OpenedFile } from './loading-file.ts';
import { isTampered } from './tampered.ts';

/** Failures in a row without one verified segment between them. About two minutes of a store that answers nothing. */
const RANGE_RETRY: RetryPolicy = { attempts: 10, firstPauseMs: 250, longestPauseMs: 20_000, budgetMs: 120_000 };

export interface ShardWork {
  readonly file: OpenedFile;
  readonly entry: ManifestFile;
  readonly layout: Layout;
  readonly shard: ShardPlan;
  /** Whether the content digest is checked. */
  readonly digest: boolean;
}

export interface ShardObserver {
  verified(bytes: number): void;
  retrying(path: string, error: Error): void;
}

/** Throws what stays wrong: a final code at once, a tampered segment at its second sight, a failing store when the policy's budget is spent. */
export async function loadShard(work: ShardWork, lane: Lane, observer: ShardObserver, pacing: Pacing, signal: AbortSignal): Promise<void> {
  const { entry, shard } = work;
  const hasher = work.digest && entry.size > 0 ? lane.hasherOf(entry.shards.alg) : null;
  const progress = new ShardProgress(work, lane.wire, hasher, observer);
  let tamperedBefore = false;
  let failures = 0;
  let failingSince = 0;
  try {
    if (shard.index === 0) takeEarly(work.file, progress);
  } catch (error) {
    if (!isTampered(error)) throw error;
    tamperedBefore = true; // by the bytes that came with the header: the range below asks for them again
  }
  for (;;) {
    const from = progress.nextSegment;
    try {
      if (!progress.complete) await work.file.stored.read(progress.missing(), (chunk) => progress.take(chunk), signal);
      if (hasher !== null) checkShard(entry.shards, shard.index, hasher.finish(), entry.path);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (progress.nextSegment > from) failures = 0;
      failures += 1;
      if (isTampered(error) && !tamperedBefore) {
        tamperedBefore = true;
        if (progress.complete) progress.restart(); // the digest of the whole: read all of it again
        observer.retrying(entry.path, error);
      } else if (isRetryable(error) && failures < RANGE_RETRY.attempts) {
        if (failures === 1) failingSince = pacing.now();
        const pauseMs = pauseBefore(failures + 1, RANGE_RETRY, pacing.random);
        if (pacing.now() - failingSince + pauseMs > RANGE_RETRY.budgetMs) throw error;
        observer.retrying(entry.path, error as Error);
        await pacing.sleep(pauseMs, signal);
      } else {
        throw error;
      }
      progress.dropPartial();
    }
  }
}

/** A small file's ciphertext arrived with its header. */
function takeEarly(file: OpenedFile, progress: ShardProgress): void {
  try {
    if (file.early.length > 0) progress.take(file.early);
  } finally {
    progress.dropPartial();
  }
}

/** Chunks in, verified segments out: written, digested, counted. */
class ShardProgress {
  nextSegment: number;
  #filled = 0;
  #verifiedBefore: number;
  readonly #work: ShardWork;
  readonly #wire: Buffer;
  readonly #hasher: Hasher | null;
  readonly #observer: ShardObserver;

  constructor(work: ShardWork, wire: Buffer, hasher: Hasher | null, observer: ShardObserver) {
    this.#work = work;
    this.#wire = wire;
    this.#hasher = hasher;
    this.#observer = observer;
    this.nextSegment = work.shard.firstSegment;
    this.#verifiedBefore = work.shard.firstSegment;
    hasher?.finish(); // empties what an earlier range that failed left in it
  }

  get complete(): boolean {
    return this.nextSegment === this.#work.shard.firstSegment + this.#work.shard.segments;
  }

  /** The range from the first segment that is not verified. */
  missing(): { readonly start: number; readonly end: number } {
    return { start: segmentPlan(this.#work.layout, this.nextSegment).ciphertext.start, end: this.#work.shard.ciphertext.end };
  }

  take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const { ciphertext, plaintext } = segmentPlan(this.#work.layout, this.nextSegment);
      const wanted = ciphertext.end - ciphertext.start;
      const copied = chunk.copy(this.#wire, this.#filled, at, at + wanted - this.#filled);
      at += copied;
      this.#filled += copied;
      if (this.#filled < wanted) return;
      this.#filled = 0;
      // §8 step 8: GCM verified before the write into staging
      const bytes = this.#work.file.sealed.openSegment(this.nextSegment, this.#wire.subarray(0, wanted));
      this.#hasher?.update(bytes);
      this.#work.file.plaintext.write(bytes, plaintext.start);
      this.nextSegment += 1;
      if (this.nextSegment > this.#verifiedBefore) {
        this.#verifiedBefore = this.nextSegment;
        this.#observer.verified(bytes.length);
      }
    }
  }

  dropPartial(): void {
    this.#filled = 0;
  }

  restart(): void {
    this.nextSegment = this.#work.shard.firstSegment;
    this.#hasher?.finish();
  }
}
