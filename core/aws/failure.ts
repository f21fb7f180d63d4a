// One reading of whatever an SDK call threw, before a service's own file gives it a code. No matching on message text.
import { WeightlockError } from '../errors.ts';

export type AwsFailure =
  /** Already ours: a refused endpoint, missing credentials. */
  | { readonly kind: 'ours'; readonly error: WeightlockError }
  /** The service answered: its error code, HTTP status and words. */
  | { readonly kind: 'answer'; readonly name: string; readonly status: number; readonly words: string; readonly requestId: string | null }
  /** No whole answer arrived. */
  | { readonly kind: 'transport'; readonly words: string };

/** At most this much of a server's own words enters a message. */
const WORDS_LIMIT = 300;

/** A server's text made safe for a log line: printable, bounded. */
export const plainWords = (text: string): string => text.replace(/[^\x20-\x7e]+/g, ' ').trim().slice(0, WORDS_LIMIT);

interface SdkError {
  readonly name: string;
  readonly message: string;
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
}

export function readFailure(error: unknown): AwsFailure {
  if (error instanceof WeightlockError) return { kind: 'ours', error };
  const { name, message, code, $metadata } = error as SdkError;
  const status = $metadata?.httpStatusCode;
  // The SDK could not read the answer. V8's words quote from it, and an answer of KMS holds a key.
  if (name === 'SyntaxError' && (status ?? 0) < 400) return { kind: 'transport', words: 'an answer that is not in the service\'s own form' };
  if (name === 'SyntaxError' && status !== undefined) return { kind: 'answer', name: 'no error code', status, words: '', requestId: null };
  if (status !== undefined) return { kind: 'answer', name, status, words: plainWords(message), requestId: $metadata?.requestId ?? null };
  return { kind: 'transport', words: plainWords(typeof code === 'string' && !message.includes(code) ? `${code} ${message}` : message) };
}

/**
 * What `work` gives, or `signal`'s reason as soon as it aborts. An SDK client looks at its abort signal only once it has credentials, and a token service
 * that is silent keeps it waiting for a quarter of a minute.
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Runs one SDK call under `deadlineMs` and the caller's signal. The caller's abort is passed on with its own reason; the deadline becomes a transport
 * failure. `explain` gives every other failure its code.
 */
export async function oneCall<T>(call: (signal: AbortSignal) => Promise<T>, deadlineMs: number, signal: AbortSignal, explain: (failure: Exclude<AwsFailure, { kind: 'ours' }>) => WeightlockError): Promise<T> {
  signal.throwIfAborted();
  const deadline = AbortSignal.timeout(deadlineMs);
  try {
    return await unlessAborted(call(AbortSignal.any([signal, deadline])), signal);
  } catch (error) {
    signal.throwIfAborted();
    const failure = deadline.aborted ? ({ kind: 'transport', words: `no answer within ${deadlineMs / 1000} s` } as const) : readFailure(error);
    throw failure.kind === 'ours' ? failure.error : explain(failure);
  }
}
