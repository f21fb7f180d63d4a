import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type WorkQueue, workQueue, type WorkQueueOptions } from '../../../operator/kube/workqueue.ts';
import { eventually } from '../../support/eventually.ts';

const QUICK = { firstMs: 4, capMs: 20 };
let stop: AbortController;
let running: Promise<void>;

function start(options: Partial<WorkQueueOptions> & Pick<WorkQueueOptions, 'work'>): WorkQueue {
  const queue = workQueue({ concurrency: 4, deadlineMs: 10_000, backoff: QUICK, failed: () => undefined, ...options });
  running = queue.run(stop.signal);
  return queue;
}
beforeEach(() => {
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await running;
});

describe('a work queue', () => {
  test('works once on a key that was added many times before its turn', async () => {
    const worked: string[] = [];
    const gate = Promise.withResolvers<void>();
    const queue = start({
      concurrency: 1,
      work: async (key) => {
        worked.push(key);
        if (key === 'first') await gate.promise;
      },
    });
    queue.add('first');
    for (let i = 0; i < 100; i++) queue.add('second');
    gate.resolve();
    await eventually('both keys done', () => queue.depth === 0);
    expect(worked).toEqual(['first', 'second']);
  });

  test('never has the same key in hand twice, and works again on one that was added meanwhile', async () => {
    let inHand = 0;
    let most = 0;
    let rounds = 0;
    const queue = start({
      work: async () => {
        inHand += 1;
        most = Math.max(most, inHand);
        rounds += 1;
        if (rounds === 1) for (let i = 0; i < 10; i++) queue.add('key');
        await delay(1);
        inHand -= 1;
      },
    });
    queue.add('key');
    await eventually('quiet', () => queue.depth === 0);
    expect({ most, rounds }).toEqual({ most: 1, rounds: 2 });
  });

  test('has no more keys in hand than its concurrency', async () => {
    let inHand = 0;
    let most = 0;
    const queue = start({
      concurrency: 3,
      work: async () => {
        inHand += 1;
        most = Math.max(most, inHand);
        await delay(1);
        inHand -= 1;
      },
    });
    for (let i = 0; i < 30; i++) queue.add(String(i));
    await eventually('all done', () => queue.depth === 0);
    expect(most).toBe(3);
  });

  test('brings a failed key back until it succeeds, counting the failures in a row, and starts over after a success', async () => {
    const attempts: number[] = [];
    let calls = 0;
    const queue = start({
      work: () => {
        calls += 1;
        return calls % 3 === 0 ? Promise.resolve() : Promise.reject(new Error('not yet'));
      },
      failed: (_key, _error, attempt) => attempts.push(attempt),
    });
    queue.add('key');
    await eventually('the third call', () => calls === 3);
    queue.add('key');
    await eventually('the sixth call', () => calls === 6);
    expect(attempts).toEqual([1, 2, 1, 2]);
  });

  test('a failing key does not hold up the others', async () => {
    const done: string[] = [];
    const queue = start({
      concurrency: 1,
      work: (key) => (key === 'bad' ? Promise.reject(new Error('always')) : Promise.resolve(void done.push(key))),
    });
    queue.add('bad');
    for (let i = 0; i < 5; i++) queue.add(String(i));
    await eventually('the others', () => done.length === 5);
  });

  test('of several delays the earliest holds, and the key is worked on once', async () => {
    let calls = 0;
    const queue = start({ work: () => Promise.resolve(void (calls += 1)) });
    queue.addAfter('key', 3_600_000);
    queue.addAfter('key', 5);
    queue.addAfter('key', 1_800_000);
    await eventually('one call', () => calls === 1);
    expect(queue.depth).toBe(0);
  });

  test("aborts the work's signal at its deadline, and tries again", async () => {
    let calls = 0;
    const reasons: unknown[] = [];
    const queue = start({
      deadlineMs: 5,
      work: async (_key, signal) => {
        calls += 1;
        if (calls > 1) return;
        await new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        });
      },
      failed: (_key, error) => reasons.push((error as Error).name),
    });
    queue.add('slow');
    await eventually('the second try', () => calls === 2);
    expect(reasons).toEqual(['TimeoutError']);
  });

  test('ends only when what is in hand is finished, and takes nothing new', async () => {
    const gate = Promise.withResolvers<void>();
    const worked: string[] = [];
    const queue = start({
      concurrency: 1,
      work: async (key) => {
        await gate.promise;
        worked.push(key);
      },
    });
    queue.add('in hand');
    queue.add('waiting');
    stop.abort();
    let ended = false;
    const end = running.then(() => {
      ended = true;
    });
    await delay(0);
    expect(ended).toBe(false);
    gate.resolve();
    await end;
    expect(worked).toEqual(['in hand']);
  });
});
