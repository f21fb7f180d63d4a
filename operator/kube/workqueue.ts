// Keys waiting for work: each at most once in line and once in hand, failures back off, nothing is lost.
export interface WorkQueueOptions {
  /** Called with one key at a time a key; many keys at once, up to `concurrency`. A rejection is retried after a back-off of its own. */
  readonly work: (key: string, signal: AbortSignal) => Promise<void>;
  readonly concurrency: number;
}

export interface WorkQueue {
  /** Queues a key now; a key already waiting is not queued twice, a key in hand is worked on once more afterwards. */
  add(key: string): void;
  /** The same after a delay; the earliest wish wins. */
  addAfter(key: string, delayMs: number): void;
  /** Keys waiting, without those delayed. */
  readonly depth: number;
  /** Works until `signal` aborts, then lets the keys in hand finish; never rejects. */
  run(signal: AbortSignal): Promise<void>;
}
