// What tests say about refusals: the code, never the text.
import { expect } from '@jest/globals';
import { WeightlockError, type ErrorCode } from '../../core/errors.ts';

/** The code that `attempt` is refused with, or what happened instead. */
export function codeOf(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    return error instanceof WeightlockError ? error.code : `a bare ${String(error)}`;
  }
  return 'accepted';
}

export const expectRefusal = (code: ErrorCode, attempt: () => unknown): void => expect(codeOf(attempt)).toBe(code);

export async function expectRejection(code: ErrorCode, attempt: Promise<unknown>): Promise<void> {
  const outcome = await attempt.then(() => 'accepted', (error: unknown) => (error instanceof WeightlockError ? error.code : `a bare ${String(error)}`));
  expect(outcome).toBe(code);
}
