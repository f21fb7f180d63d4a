// Takes back what a failed or overtaken sealing had uploaded. Best effort and bounded: what stays is ciphertext that no version names.
import type { StoreWriter } from '../stores/store.ts';
import { forEachBounded } from './bounded.ts';

const BUDGET_MS = 15_000;

/**
 * Removes `keys`, version files first: while one stands, what it names must stand too. Returns those that are still there; never throws. Has its own
 * deadline, because the signal of the work it cleans up after is usually aborted by then.
 */
export async function removeUnpublished(store: StoreWriter, keys: readonly string[]): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(BUDGET_MS);
  const left = new Set(keys);
  const remove = (group: readonly string[]): Promise<void> =>
    forEachBounded(group, { most: 16, budget: Number.POSITIVE_INFINITY, weight: () => 0 }, signal, async (key, signal) => {
      await store.remove(key, signal);
      left.delete(key);
    });
  try {
    await remove(keys.filter((key) => key.startsWith('versions/')));
    await remove(keys.filter((key) => !key.startsWith('versions/')));
  } catch {
    // said by the caller, with the names of what is left
  }
  return [...left];
}
