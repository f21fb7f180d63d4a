// Work on many items at once, within a budget. The first failure stops the rest, and nothing is still running when it is thrown.

export interface Bounds<T> {
  /** Items at once. */
  readonly most: number;
  /** Sum of the weights of the items at once; a heavier single item runs alone. */
  readonly budget: number;
  weight(item: T): number;
}

/** Calls `work` for every item, starting them in order. `work` must end when its signal aborts. */
export async function forEachBounded<T>(items: Iterable<T>, bounds: Bounds<T>, signal: AbortSignal, work: (item: T, signal: AbortSignal) => Promise<void>): Promise<void> {
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  const running = new Set<Promise<void>>();
  let weight = 0;
  try {
    for (const item of items) {
      const own = bounds.weight(item);
      while (running.size > 0 && (running.size >= bounds.most || weight + own > bounds.budget)) await Promise.race(running);
      either.throwIfAborted();
      weight += own;
      const task: Promise<void> = work(item, either)
        .catch((error: unknown) => {
          // The first reason stays; what the others say about having been stopped does not replace it.
          if (!failure.signal.aborted) failure.abort(error);
        })
        .finally(() => {
          weight -= own;
          running.delete(task);
        });
      running.add(task);
    }
  } catch (error) {
    if (!failure.signal.aborted) failure.abort(error);
  }
  await Promise.all(running);
  signal.throwIfAborted();
  if (failure.signal.aborted) throw failure.signal.reason;
}
