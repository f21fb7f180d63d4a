// Finds the DEK of an envelope within a bounded number of key-service calls (format.md §6): the allow-list decides the order, never the bucket.
import type { Lineage, LineageId } from '../envelope/lineage.ts';
import type { Pacing } from '../retry.ts';
import type { KeyProvider, ProviderName } from './provider.ts';

/** format.md §6: at most this many distinct wraps are sent to a key service … */
export const MAX_WRAPS_TRIED = 4;
/** … and each at most this often. */
export const MAX_ATTEMPTS_A_WRAP = 3;

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

/**
 * Unwraps and checks. Throws E_NO_USABLE_WRAP (no wrap is under an allowed key with the demanded pairs), E_KEY_COMMITMENT (a wrap held another DEK and
 * none the right one), else what the key service said. The DEK itself never leaves this function.
 */
export declare function unwrapLineage(
  id: LineageId, wraps: readonly WrapCandidate[], allowed: readonly AllowedKey[], signal: AbortSignal, pacing?: Pacing,
): Promise<UnwrappedLineage>;
