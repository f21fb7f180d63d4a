// Keys waiting for work: each at most once in line and once in hand, failures back off, nothing is lost.
import { type Backoff, pauseMs } from './backoff.ts';

export interface WorkQueueOptions {
  /** Works on one key; the same key is never in hand twice. A rejection brings the key back after a back-off of its own. */
  readonly work: (key: string, signal: AbortSignal) => Promise<void>;
  readonly concurrency: number;
  /** Aborts the work's signal. */
  readonly deadlineMs: number;
  readonly backoff: Backoff;
  /** Told of each rejection; `attempt` counts those in a row. Must not throw. */
  readonly failed: (key: string, error: unknown, attempt: number) => void;
}

export interface WorkQueue {
  /** Queues a key: one already waiting is not queued twice, one in hand is worked on once more afterwards. */
  add(key: string): void;
  /** The same after a delay; of several wishes for a key the earliest holds. */
  addAfter(key: string, delayMs: number): void;
  /** Keys waiting or in hand, without those delayed. */
  readonly depth: number;
  /** Works until `signal` aborts, then lets what is in hand finish (each within its deadline). Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

interface Delayed {
  readonly atMs: number;
  readonly timer: NodeJS.Timeout;
}

export function workQueue({ work, concurrency, deadlineMs, backoff, failed }: WorkQueueOptions): WorkQueue {
  const waiting = new Set<string>();
  const inHand = new Set<string>();
  const working = new Set<Promise<void>>();
  const again = new Set<string>();
  const delayed = new Map<string, Delayed>();
  const attempts = new Map<string, number>();
  let running = false;

  function add(key: string): void {
    if (inHand.has(key)) again.add(key);
    else waiting.add(key);
    fill();
  }

  function addAfter(key: string, delayMs: number): void {
    const atMs = performance.now() + delayMs;
    const earlier = delayed.get(key);
    if (earlier !== undefined && earlier.atMs <= atMs) return;
    clearTimeout(earlier?.timer);
    const timer = setTimeout(() => {
      delayed.delete(key);
      add(key);
    }, delayMs);
    delayed.set(key, { atMs, timer });
  }

  function fill(): void {
    for (const key of waiting) {
      if (!running || inHand.size >= concurrency) return;
      waiting.delete(key);
      inHand.add(key); // before the work begins: what it adds in its first turn is already another round
      const handling: Promise<void> = handle(key).finally(() => working.delete(handling));
      working.add(handling);
    }
  }

  async function handle(key: string): Promise<void> {
    try {
      await work(key, AbortSignal.timeout(deadlineMs));
      attempts.delete(key);
    } catch (error) {
      const attempt = (attempts.get(key) ?? 0) + 1;
      attempts.set(key, attempt);
      addAfter(key, pauseMs(backoff, attempt));
      failed(key, error, attempt);
    } finally {
      inHand.delete(key);
      if (again.delete(key)) waiting.add(key);
      fill();
    }
  }

  return {
    add,
    addAfter,
    get depth() {
      return waiting.size + inHand.size;
    },
    async run(signal) {
      running = true;
      fill();
      if (!signal.aborted) {
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
      running = false;
      await Promise.all(working);
      for (const { timer } of delayed.values()) clearTimeout(timer);
      delayed.clear();
    },
  };
}
