import { describe, expect, test } from '@jest/globals';
import { WeightlockError } from '../../core/errors.ts';
import { pauseBefore, retry, SYSTEM_PACING, type Pacing, type RetryPolicy } from '../../core/retry.ts';
import { expectRejection } from './refusal.ts';

const POLICY: RetryPolicy = { attempts: 4, firstPauseMs: 100, longestPauseMs: 250, budgetMs: 10_000 };
const unavailable = new WeightlockError('E_STORE_UNAVAILABLE', 'busy');
const denied = new WeightlockError('E_STORE_DENIED', 'no');

/** A clock that jumps over every pause, and chance that always says `chance`. */
function pacing(chance: number): Pacing & { readonly pauses: number[] } {
  const pauses: number[] = [];
  let time = 0;
  return {
    pauses,
    now: () => time,
    random: () => chance,
    sleep: async (milliseconds, signal) => {
      signal.throwIfAborted();
      pauses.push(milliseconds);
      time += milliseconds;
    },
  };
}

const failing = (errors: readonly Error[]) => async (number: number): Promise<number> => {
  const error = errors[number - 1];
  if (error !== undefined) throw error;
  return number;
};
const signal = new AbortController().signal;

describe('retry', () => {
  test('tries again what may pass by itself, and returns what the first success gave', async () => {
    expect(await retry(failing([unavailable, unavailable]), POLICY, signal, pacing(0.5))).toBe(3);
  });

  test('gives up after the last attempt with the last error as it was', async () => {
    const clock = pacing(0.5);
    await expect(retry(failing(Array.from({ length: 9 }, () => unavailable)), POLICY, signal, clock)).rejects.toBe(unavailable);
    expect(clock.pauses).toHaveLength(POLICY.attempts - 1);
  });

  test('never tries again what only a person can mend, nor what is no error of ours', async () => {
    await expectRejection('E_STORE_DENIED', retry(failing([denied]), POLICY, signal, pacing(0.5)));
    await expect(retry(failing([new Error('defect')]), POLICY, signal, pacing(0.5))).rejects.toThrow('defect');
  });

  test('pauses grow, are drawn from zero up, and stop growing at the cap', async () => {
    expect([2, 3, 4, 5].map((next) => pauseBefore(next, POLICY, () => 1))).toEqual([100, 200, 250, 250]);
    expect([2, 3, 4].map((next) => pauseBefore(next, POLICY, () => 0))).toEqual([0, 0, 0]);
  });

  test('starts nothing after its time is spent', async () => {
    const clock = pacing(1);
    await expect(retry(failing(Array.from({ length: 9 }, () => unavailable)), { ...POLICY, attempts: 9, budgetMs: 350 }, signal, clock)).rejects.toBe(unavailable);
    expect(clock.pauses).toEqual([100, 200]);
  });

  test('an abort ends a real pause at once, with the caller\'s reason', async () => {
    const controller = new AbortController();
    const reason = new Error('stop');
    const attempt = retry(async () => {
      setImmediate(() => controller.abort(reason));
      throw unavailable;
    }, { ...POLICY, firstPauseMs: 3_600_000, longestPauseMs: 3_600_000, budgetMs: 3_600_000 }, controller.signal, { now: () => 0, random: () => 1, sleep: SYSTEM_PACING.sleep });
    await expect(attempt).rejects.toBe(reason);
  });

  test('an aborted caller gets no attempt at all', async () => {
    let calls = 0;
    await expect(retry(async () => calls++, POLICY, AbortSignal.abort(new Error('stop')), pacing(0))).rejects.toThrow('stop');
    expect(calls).toBe(0);
  });
});
