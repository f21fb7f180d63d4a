import { describe, expect, test } from '@jest/globals';
import { forEachBounded } from '../../../core/publishing/bounded.ts';

const never = new AbortController().signal;
const bounds = { most: 3, budget: 10, weight: (item: number) => item };
/** Enough turns of the event loop for whatever could start to have started. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

describe('bounded work', () => {
  test('keeps to the number and to the weight, and does everything', async () => {
    const running = new Set<number>();
    const done: number[] = [];
    let mostAtOnce = 0;
    let heaviest = 0;
    const items = [1, 1, 1, 1, 4, 5, 6, 9, 2, 3];
    await forEachBounded(items.entries(), { ...bounds, weight: ([, weight]: [number, number]) => weight }, never, async ([index, weight]) => {
      running.add(index);
      mostAtOnce = Math.max(mostAtOnce, running.size);
      heaviest = Math.max(heaviest, [...running].reduce((sum, at) => sum + (items[at] ?? 0), 0));
      await settle();
      running.delete(index);
      done.push(weight);
    });
    expect(done).toHaveLength(items.length);
    expect(done.reduce((sum, weight) => sum + weight, 0)).toBe(33);
    expect(mostAtOnce).toBe(3);
    expect(heaviest).toBeLessThanOrEqual(10);
  });

  test('lets an item heavier than the budget run, alone', async () => {
    const order: string[] = [];
    await forEachBounded([1, 99, 1], bounds, never, async (item) => {
      order.push(`+${item}`);
      await settle();
      order.push(`-${item}`);
    });
    expect(order).toEqual(['+1', '-1', '+99', '-99', '+1', '-1']);
  });

  test('stops the others on the first failure, waits for them, and throws that failure', async () => {
    const ended: number[] = [];
    const work = async (item: number, signal: AbortSignal): Promise<void> => {
      if (item === 2) throw new Error('the second');
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      await settle();
      ended.push(item);
      throw new Error('a consequence');
    };
    await expect(forEachBounded([1, 2, 3, 4, 5], { ...bounds, weight: () => 0 }, never, work)).rejects.toThrow('the second');
    expect(ended).toEqual([1, 3]);
  });

  test('ends with the reason of an aborted signal', async () => {
    const controller = new AbortController();
    const work = async (item: number): Promise<void> => {
      if (item === 2) controller.abort(new Error('enough'));
      await settle();
    };
    const started: number[] = [];
    await expect(forEachBounded([1, 2, 3, 4, 5, 6, 7], { ...bounds, weight: () => 0 }, controller.signal, (item) => (started.push(item), work(item)))).rejects.toThrow('enough');
    expect(started).toEqual([1, 2]);
  });
});
