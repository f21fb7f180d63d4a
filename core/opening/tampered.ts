// format.md §11, class tamper: one GET again, then final. A flipped bit on the way is not an attack; the same twice is.
import { WeightlockError } from '../errors.ts';

export const isTampered = (error: unknown): error is WeightlockError => error instanceof WeightlockError && error.class === 'tamper';

/** Runs `attempt`, and once more where the first found something tampered. */
export async function onceMoreIfTampered<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (!isTampered(error)) throw error;
    return attempt();
  }
}
