// Waits for something that another process or loop brings about, by asking again: never by sleeping for as long as it might take.
import { setTimeout as delay } from 'node:timers/promises';

/** Resolves with the first answer of `ask` that is neither undefined nor false. Rejects after `limitMs`, saying what was awaited and the last error met. */
export async function eventually<T>(what: string, ask: () => T | undefined | false | Promise<T | undefined | false>, limitMs = 30_000): Promise<T> {
  const end = performance.now() + limitMs;
  let last: unknown;
  do {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await delay(20);
  } while (performance.now() < end);
  throw new Error(`${what}: not within ${String(limitMs)} ms`, { cause: last });
}
