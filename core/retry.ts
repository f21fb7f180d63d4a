// The one place that tries again: exponential back-off with full jitter, a cap, a budget of attempts and of time. It decides by the error's disposition.
import { setTimeout as delay } from 'node:timers/promises';
import { WeightlockError } from './errors.ts';

export interface RetryPolicy {
  /** Tries in all, the first included; >= 1. */
  readonly attempts: number;
  /** Upper bound of the first pause, in milliseconds; it doubles with every try. */
  readonly firstPauseMs: number;
  /** No pause is longer, in milliseconds. */
  readonly longestPauseMs: number;
  /** No try is started later than this many milliseconds after the first. */
  readonly budgetMs: number;
}

/** Time and chance, so that tests own both. */
export interface Pacing {
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Resolves after `milliseconds`; rejects with the signal's reason. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

export const SYSTEM_PACING: Pacing = {
  now: () => performance.now(),
  random: Math.random,
  sleep: async (milliseconds, signal) => {
    signal.throwIfAborted();
    await delay(milliseconds, undefined, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  },
};

/** Small requests: KMS calls, metadata, lists. About half a minute at most. */
export const SMALL_REQUEST_RETRY: RetryPolicy = { attempts: 5, firstPauseMs: 200, longestPauseMs: 5_000, budgetMs: 30_000 };

/** Whether the same call may succeed soon. An abort never is. */
export const isRetryable = (error: unknown): boolean => error instanceof WeightlockError && error.disposition === 'retry';

/**
 * Milliseconds before try number `next` (the first retry is 2): uniform in [0, min(longest, first * 2^(next-2))), "full jitter"
 * (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).
 */
export function pauseBefore(next: number, policy: RetryPolicy, random: () => number): number {
  return random() * Math.min(policy.longestPauseMs, policy.firstPauseMs * 2 ** (next - 2));
}

/**
 * Calls `attempt(1)`, `attempt(2)`, … until one succeeds, fails with an error that isn't retryable, or the policy's budget is spent; then the last
 * error is thrown as it is. Aborting `signal` ends a pause at once, with the signal's reason.
 */
export async function retry<T>(attempt: (number: number) => Promise<T>, policy: RetryPolicy, signal: AbortSignal, pacing: Pacing = SYSTEM_PACING): Promise<T> {
  const startedAt = pacing.now();
  for (let number = 1; ; number++) {
    signal.throwIfAborted();
    try {
      return await attempt(number);
    } catch (error) {
      const pauseMs = pauseBefore(number + 1, policy, pacing.random);
      const spent = number >= policy.attempts || pacing.now() - startedAt + pauseMs > policy.budgetMs;
      if (spent || !isRetryable(error)) throw error;
      await pacing.sleep(pauseMs, signal);
    }
  }
}
