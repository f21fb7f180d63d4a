// Where a version stands in its model's history: sequence and previous (format.md §2 "Publishing"). Pure: latest.json is a hint, a pin is not.
import { needs, WeightlockError } from '../errors.ts';
import type { LatestFile } from '../envelope/version-file.ts';

/** What the publisher asked for. */
export type Position =
  /** After what latest.json says, as a hint; 1 where there is none. */
  | { readonly kind: 'latest' }
  /** From the publisher's own pin. `previous` = hex digest; null where only the number is known and latest.json is to name the digest. */
  | { readonly kind: 'pinned'; readonly sequence: number; readonly previous: string | null };

/** `previous`: hex digest of the version before, null at the first. */
export interface Place {
  readonly sequence: number;
  readonly previous: string | null;
}

/** §2: a jump > 2^20 refused: who writes latest.json can only make numbers jump, and not far. */
const MAX_JUMP = 2 ** 20;

const checkJump = (latest: LatestFile, known: number): void =>
  needs(latest.sequence - known <= MAX_JUMP, 'E_STORE_CONFLICT', `latest.json claims sequence ${latest.sequence}, a jump of more than 2^20 from ${known}, the last one known here`,
    'Somebody may have written it to harm you. Give the number yourself with --previous model.yaml or --sequence N, after putting latest.json right or deleting it.');

/** `latest`: null where there is none. Throws E_USAGE, E_STORE_CONFLICT. */
export function placeAtStart(position: Position, latest: LatestFile | null): Place {
  if (position.kind === 'latest') {
    if (latest === null) return { sequence: 1, previous: null };
    checkJump(latest, 0);
    return { sequence: latest.sequence + 1, previous: latest.version };
  }
  const { sequence, previous } = position;
  if (latest !== null && latest.sequence >= sequence) {
    throw new WeightlockError('E_STORE_CONFLICT', `latest.json already names sequence ${latest.sequence}, and this version would be ${sequence}`, {
      next: `Seal after that version: --previous its model.yaml, or --sequence ${latest.sequence + 1}. If nobody of yours published it, delete latest.json first.`,
    });
  }
  if (previous !== null || sequence === 1) return { sequence, previous };
  // §5: previous null only at the first.
  needs(latest !== null, 'E_USAGE', `sequence ${sequence} needs a version before it, and the store names none`, 'Give its model.yaml with --previous.');
  return { sequence, previous: latest.version };
}

/** §2: on 412 of latest.json, that sequence + 1. `latest`: what it says now. Throws E_STORE_CONFLICT. */
export function placeAfterConflict(ours: Place, latest: LatestFile | null): Place {
  if (latest === null || latest.sequence < ours.sequence) return ours;
  checkJump(latest, ours.sequence);
  return { sequence: latest.sequence + 1, previous: latest.version };
}
