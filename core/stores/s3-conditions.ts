// Conditional writes, and the truth about them: some servers answer 501 to If-None-Match and If-Match, some ignore both. Neither is found out by asking
// what the server is; it is found out by writing the same bytes once more under a condition that must fail.
import type { AwsFailure } from '../aws/failure.ts';
import type { S3Call } from '../aws/s3-errors.ts';
import { WeightlockError } from '../errors.ts';
import type { PutCondition } from './store.ts';

export type ConditionHeaders = { readonly IfNoneMatch?: string; readonly IfMatch?: string };

export const conditionHeaders = (condition: PutCondition): ConditionHeaders => {
  switch (condition.kind) {
    case 'create': return { IfNoneMatch: '*' };
    case 'replace': return { IfMatch: condition.etag };
    default: return condition satisfies never;
  }
};

/** What is known of a server's conditional writes: honoured until shown otherwise. */
export class Conditions {
  #honoured = true;
  readonly #proven = new Set<PutCondition['kind']>();

  get honoured(): boolean {
    return this.#honoured;
  }
  /** The server refused the headers themselves, or took a write whose condition did not hold. */
  deny(): void {
    this.#honoured = false;
  }
  /** Whether a condition of this kind has yet to be seen refused. */
  needsProof(condition: PutCondition): boolean {
    return this.#honoured && !this.#proven.has(condition.kind);
  }
  prove(condition: PutCondition): void {
    this.#proven.add(condition.kind);
  }
}

/** Names no bytes: an If-Match that must fail. */
export const NO_SUCH_ETAG = '"00000000000000000000000000000000"';

const answerOf = (error: unknown): Extract<AwsFailure, { kind: 'answer' }> | null => {
  const failure = error instanceof WeightlockError ? (error.cause as AwsFailure | undefined) : undefined;
  return failure?.kind === 'answer' ? failure : null;
};

/** Whether the server refused the headers themselves (501 NotImplemented), not what they ask for. */
export const isUnsupported = (error: unknown): boolean => answerOf(error)?.status === 501;
/** S3 answers If-Match on a key that isn't there with 404 NoSuchKey. */
export const isMissingKey = (error: unknown): boolean => answerOf(error)?.name === 'NoSuchKey';

export const conflict = (call: S3Call, cause?: unknown): WeightlockError =>
  new WeightlockError('E_STORE_CONFLICT', `${call.what} is not as it was expected to be: another publisher was faster, or it exists already`,
    { next: 'Nothing was changed. Publish again.', ...(cause === undefined ? {} : { cause }) });

/** For a server that cannot compare by itself: `present` is the ETag of what stands under the key, null = nothing. */
export function checkByHand(condition: PutCondition, present: string | null, call: S3Call): void {
  const holds = condition.kind === 'create' ? present === null : present === condition.etag;
  if (!holds) throw conflict(call);
}
