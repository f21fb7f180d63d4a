// What is left behind for the operator and for `kubectl describe`: JSON in the termination message, at most 4 KiB, the message cut first.
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { OUTCOME_LIMIT_BYTES, OUTCOME_SCHEMA, type Outcome } from '../core/api/outcome.ts';
import type { WeightlockError } from '../core/errors.ts';
import { withoutQueries } from '../core/log.ts';
import { isMissing } from '../core/opening/io-error.ts';

/** `what happened [next step]`, for a person who reads `kubectl describe pod`. */
export const messageOf = (error: WeightlockError): string => withoutQueries(error.next === undefined ? error.message : `${error.message}. ${error.next}`);

const fits = (text: string): boolean => Buffer.byteLength(text) <= OUTCOME_LIMIT_BYTES;

/** One line. Pure. */
export function encodeOutcome(outcome: Omit<Outcome, 'schema'>): string {
  const withMessage = (message: string): string => JSON.stringify({ schema: OUTCOME_SCHEMA, ...outcome, message });
  const whole = withMessage(outcome.message);
  if (fits(whole)) return whole;
  const characters = Array.from(outcome.message);
  let [kept, cut] = [0, characters.length];
  while (cut - kept > 1) {
    const middle = Math.floor((kept + cut) / 2);
    if (fits(withMessage(`${characters.slice(0, middle).join('')}…`))) kept = middle;
    else cut = middle;
  }
  return withMessage(`${characters.slice(0, kept).join('')}…`);
}

/** Into an existing file: the kubelet made it. Where there is none (no Kubernetes), nobody reads it. */
export function writeOutcome(path: string, text: string): void {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_WRONLY | constants.O_TRUNC);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  try {
    writeSync(descriptor, text);
  } finally {
    closeSync(descriptor);
  }
}
