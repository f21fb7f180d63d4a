// Every failure a person or a program can meet: one stable code, what happened to what, and the next step (docs/format.md §11).
import { printable } from './printable.ts';

/** What whoever drives the failed work does next. */
export type Disposition =
  | 'retry' // the same call may succeed soon: back off, then call again
  | 'wait' // something outside must change (a grant, an object, memory); try again now and then
  | 'stall'; // nothing changes until a person changes what was asked for

export type ErrorClass = 'usage' | 'policy' | 'store' | 'kms' | 'format' | 'tamper' | 'path' | 'local' | 'legacy' | 'internal';

interface CodeFacts {
  readonly class: ErrorClass;
  /** Exit status of a program that ends with this code. */
  readonly exit: number;
  readonly disposition: Disposition;
}

const facts = <const C extends string>(errorClass: ErrorClass, exit: number, disposition: Disposition, codes: readonly C[]): Record<C, CodeFacts> =>
  Object.fromEntries(codes.map((code) => [code, { class: errorClass, exit, disposition }])) as Record<C, CodeFacts>;

/** All codes. The keys are API: condition reasons, metric labels and docs anchors. */
export const ERROR_CODES = {
  ...facts('internal', 1, 'stall', ['E_INTERNAL']),
  ...facts('usage', 2, 'stall', ['E_USAGE']),
  ...facts('policy', 10, 'stall', [
    'E_POLICY_IDENTITY_REQUIRED', 'E_POLICY_FORMAT', 'E_POLICY_KEY', 'E_SIGNATURE_MISSING', 'E_SIGNATURE_INVALID', 'E_SIGNER_UNTRUSTED',
    'E_ROLLBACK', 'E_EXPIRED', 'E_REVOKED', 'E_IDENTITY_MISMATCH', 'E_LINEAGE_MISMATCH',
  ]),
  ...facts('store', 20, 'wait', ['E_STORE_NOT_FOUND', 'E_STORE_DENIED', 'E_STORE_CHANGED', 'E_STORE_RANGE', 'E_STORE_CONFLICT', 'E_SOURCE_CHANGED']),
  ...facts('store', 20, 'stall', ['E_ENDPOINT_REFUSED']),
  ...facts('store', 21, 'retry', ['E_STORE_UNAVAILABLE', 'E_STORE_THROTTLED']),
  ...facts('kms', 30, 'wait', ['E_KMS_DENIED', 'E_KMS_NOT_FOUND', 'E_KMS_KEY_STATE', 'E_CREDENTIALS']),
  ...facts('kms', 30, 'stall', ['E_KMS_CONTEXT', 'E_NO_USABLE_WRAP', 'E_WRAP_MALFORMED']),
  ...facts('kms', 31, 'retry', ['E_KMS_UNAVAILABLE', 'E_KMS_THROTTLED']),
  ...facts('format', 40, 'stall', [
    'E_BAD_MAGIC', 'E_UNSUPPORTED_VERSION', 'E_UNSUPPORTED_KIND', 'E_UNSUPPORTED_SUITE', 'E_UNSUPPORTED_PARAMS', 'E_UNSUPPORTED_SEGMENT',
    'E_UNKNOWN_CRITICAL_FLAG', 'E_RESERVED_NONZERO', 'E_JSON_SYNTAX', 'E_JSON_DUPLICATE', 'E_JSON_DEPTH', 'E_JSON_NUMBER', 'E_JSON_UTF8',
    'E_SCHEMA', 'E_LIMIT_SIZE', 'E_LIMIT_FILES', 'E_LIMIT_WRAPS', 'E_LIMIT_MANIFEST',
  ]),
  ...facts('tamper', 50, 'stall', [
    'E_KEY_COMMITMENT', 'E_OBJECT_MISMATCH', 'E_SEGMENT_FRAMING', 'E_SEGMENT_AUTH', 'E_TRUNCATED', 'E_TRAILING_DATA', 'E_DIGEST_MISMATCH', 'E_TOTALS',
  ]),
  ...facts('path', 60, 'stall', ['E_PATH_SYNTAX', 'E_PATH_RESERVED', 'E_PATH_CONFLICT', 'E_PATH_LINK']),
  ...facts('local', 70, 'stall', ['E_CONFIG', 'E_MEMORY_LIMIT', 'E_NOT_TMPFS', 'E_SWAP']),
  ...facts('local', 70, 'wait', ['E_NO_SPACE', 'E_TARGET_BUSY', 'E_IO']),
  ...facts('legacy', 80, 'stall', ['E_LEGACY_HEADER', 'E_LEGACY_METADATA', 'E_LEGACY_AUTH', 'E_LEGACY_HASH', 'E_LEGACY_TOO_LARGE']),
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorDetails {
  /** The next step for a person, an imperative sentence; never a secret. */
  readonly next?: string;
  readonly cause?: unknown;
}

/** A message holds names that others chose, a publisher's file names among them: more of one serves nobody, and its copies could fill a reader's memory. */
const MESSAGE_LIMIT_CHARS = 4096;
const bounded = (message: string): string => (message.length <= MESSAGE_LIMIT_CHARS ? message : `${message.slice(0, MESSAGE_LIMIT_CHARS)}…`.toWellFormed());

/** Where one step follows from the class alone, and the place that throws has nothing better. */
const NEXT_OF_CLASS: Partial<Record<ErrorClass, string>> = {
  tamper: 'Publish the model again from its source; if it happens again, find out who or what alters the stored bytes.',
};

/** The one error class of this project. `message` says what happened to what, in one bounded, printable line; `next` what to do about it. */
export class WeightlockError extends Error {
  override readonly name = 'WeightlockError';
  readonly code: ErrorCode;
  readonly next: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(printable(bounded(message)), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.next = details.next ?? NEXT_OF_CLASS[this.class];
  }

  get class(): ErrorClass {
    return ERROR_CODES[this.code].class;
  }
  get exit(): number {
    return ERROR_CODES[this.code].exit;
  }
  get disposition(): Disposition {
    return ERROR_CODES[this.code].disposition;
  }
}

/** Enforces one sentence of the format or of a contract; the caller names that sentence in a comment above. */
export function needs(condition: boolean, code: ErrorCode, message: string, next?: string): asserts condition {
  if (!condition) throw new WeightlockError(code, message, next === undefined ? {} : { next });
}

/** `error` as a WeightlockError: itself, or E_INTERNAL around whatever it was. An abort is passed on unchanged by callers, never through here. */
export function asWeightlockError(error: unknown): WeightlockError {
  if (error instanceof WeightlockError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new WeightlockError('E_INTERNAL', message, { cause: error, next: 'This is a defect in Weightlock: report it with the lines above.' });
}
