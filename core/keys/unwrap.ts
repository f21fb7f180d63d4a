// Finds the DEK of an envelope within a bounded number of key-service calls (format.md §6): the allow-list decides the order, never the bucket.
import { encryptionContext } from '../envelope/context.ts';
import { type Lineage, type LineageId, openLineage } from '../envelope/lineage.ts';
import { WeightlockError } from '../errors.ts';
import { isRetryable, type Pacing, retry, type RetryPolicy } from '../retry.ts';
import type { KeyProvider, ProviderName } from './provider.ts';

/** format.md §6: at most this many distinct wraps are sent to a key service … */
export const MAX_WRAPS_TRIED = 4;
/** … and each at most this often. */
export const MAX_ATTEMPTS_A_WRAP = 3;

const WRAP_RETRY: RetryPolicy = { attempts: MAX_ATTEMPTS_A_WRAP, firstPauseMs: 500, longestPauseMs: 4_000, budgetMs: 40_000 };

/** One wrap as an envelope file lists it: a candidate, never trusted. */
export interface WrapCandidate {
  readonly provider: string;
  readonly key: string;
  /** The publisher's own pairs, without the reserved three. */
  readonly context: ReadonlyMap<string, string>;
  readonly wrapped: Buffer;
}

/** One entry of the reader's allow-list, opened. `context`: pairs that a wrap must carry to be tried. */
export interface AllowedKey {
  readonly key: KeyProvider;
  readonly context: Readonly<Record<string, string>>;
}

export interface UnwrappedLineage {
  /** Checked against the commitment; the caller destroys its bodyKey. */
  readonly lineage: Lineage;
  readonly provider: ProviderName;
  readonly key: string;
  readonly requestId: string | null;
}

interface Trial {
  readonly wrap: WrapCandidate;
  readonly key: KeyProvider;
}

/**
 * The trials in order. §6: only wraps whose (provider, key) is on the allow-list, in that list's order, and whose context contains the pairs its policy
 * names; others are skipped uncounted. A wrap that two entries admit is tried once.
 */
export function planTrials(wraps: readonly WrapCandidate[], allowed: readonly AllowedKey[]): readonly Trial[] {
  const carries = (wrap: WrapCandidate, pairs: Readonly<Record<string, string>>): boolean => Object.entries(pairs).every(([name, value]) => wrap.context.get(name) === value);
  const trials = new Map<WrapCandidate, Trial>();
  for (const { key, context } of allowed) {
    for (const wrap of wraps) {
      if (wrap.provider === key.provider && wrap.key === key.key && carries(wrap, context) && !trials.has(wrap)) trials.set(wrap, { wrap, key });
    }
  }
  return [...trials.values()];
}

/**
 * Unwraps and checks. Throws E_NO_USABLE_WRAP (no wrap is under an allowed key with the demanded pairs), E_KEY_COMMITMENT (a wrap held another DEK and
 * none the right one), else what the key service said. The DEK itself never leaves this function.
 */
export async function unwrapLineage(
  id: LineageId, wraps: readonly WrapCandidate[], allowed: readonly AllowedKey[], signal: AbortSignal, pacing?: Pacing,
): Promise<UnwrappedLineage> {
  const trials = planTrials(wraps, allowed);
  if (trials.length === 0) throw noUsableWrap(id, wraps, allowed);
  const failures: WeightlockError[] = [];
  // §6: <= 4 distinct wraps, <= 3 attempts each. Denied, invalid or commitment mismatch: next wrap; throttled or unavailable: same wrap again.
  for (const { wrap, key } of trials.slice(0, MAX_WRAPS_TRIED)) {
    try {
      return await retry(() => tryOnce(id, wrap, key, signal), WRAP_RETRY, signal, pacing);
    } catch (error) {
      if (!(error instanceof WeightlockError)) throw error;
      failures.push(error);
    }
  }
  throw mostTelling(failures, trials.length);
}

async function tryOnce(id: LineageId, wrap: WrapCandidate, key: KeyProvider, signal: AbortSignal): Promise<UnwrappedLineage> {
  const { dek, requestId } = await key.unwrap(wrap.wrapped, encryptionContext(id, wrap.context), signal);
  using secret = dek;
  return { lineage: openLineage(secret, id), provider: key.provider, key: key.key, requestId };
}

/** §6: a mismatch and no success: E_KEY_COMMITMENT. Next, a failure that may pass by itself, so that whoever drives us tries again; else the last word. */
function mostTelling(failures: readonly WeightlockError[], trials: number): WeightlockError {
  const told = failures.find((failure) => failure.code === 'E_KEY_COMMITMENT') ?? failures.findLast(isRetryable) ?? failures.at(-1);
  if (told === undefined) throw new Error('no wrap was tried');
  const others = failures.filter((failure) => failure !== told).map((failure) => failure.code);
  const untried = trials - failures.length;
  const rest = [...(others.length === 0 ? [] : [`other wraps: ${others.join(', ')}`]), ...(untried > 0 ? [`${untried} more were not tried: the limit is ${MAX_WRAPS_TRIED}`] : [])].join('; ');
  return new WeightlockError(told.code, rest === '' ? told.message : `${told.message} [${rest}]`, { ...(told.next === undefined ? {} : { next: told.next }), cause: told });
}

const named = (provider: string, key: string, pairs: Readonly<Record<string, string>>): string =>
  `${provider} ${JSON.stringify(key)}${Object.keys(pairs).length === 0 ? '' : ` with ${JSON.stringify(pairs)}`}`;

/** The bucket's words are bounded: a message has to fit a termination log. */
const PRESENT_LIMIT_CHARS = 1_000;

function noUsableWrap(id: LineageId, wraps: readonly WrapCandidate[], allowed: readonly AllowedKey[]): WeightlockError {
  const wanted = allowed.map(({ key, context }) => named(key.provider, key.key, context)).join(', ') || 'none';
  const present = wraps.map((wrap) => named(wrap.provider, wrap.key, Object.fromEntries(wrap.context))).join(', ').slice(0, PRESENT_LIMIT_CHARS) || 'none';
  return new WeightlockError('E_NO_USABLE_WRAP', `no wrap of envelope ${id.envelopeId} is under an allowed key. Allowed: ${wanted}. In the envelope: ${present}`,
    { next: 'Add the key that the model was sealed under to spec.keys, or add a wrap under an allowed key.' });
}
