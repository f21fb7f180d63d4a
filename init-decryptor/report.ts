// How far a run came: filled in on the way, so that a failure reports it as well as a success. Becomes the outcome.
import type { Outcome } from '../core/api/outcome.ts';
import { messageOf } from './outcome.ts';
import type { DecryptorConfig } from '../core/api/decryptor-config.ts';
import type { WeightlockError } from '../core/errors.ts';
import type { UnwrapFacts } from '../core/opening/opened-model.ts';

export interface Report {
  unwrapped: UnwrapFacts | null;
  files: number;
  /** Plaintext bytes verified. */
  bytes: number;
  attempts: number;
}

export const newReport = (): Report => ({ unwrapped: null, files: 0, bytes: 0, attempts: 1 });

const SUCCESS = { load: 'the model is verified and in place', check: 'the manifest opens under this policy' } as const;

/** `error` null = success; `config` null where it could not be read, and then the error says why. */
export function outcomeOf(
  mode: Outcome['mode'], config: DecryptorConfig | null, report: Report, error: WeightlockError | null, milliseconds: number,
): Omit<Outcome, 'schema'> {
  const { unwrapped, files, bytes, attempts } = report;
  return {
    model: config === null ? '' : `${config.model.name}@${config.model.version}`,
    mode,
    code: error?.code ?? null,
    message: error === null ? SUCCESS[mode] : messageOf(error),
    digest: config?.manifest.digest ?? '',
    lineage: config?.manifest.lineage ?? '',
    key: unwrapped === null ? null : { provider: unwrapped.provider, id: unwrapped.key },
    kmsRequestId: unwrapped?.requestId ?? null,
    unwrappedAt: unwrapped?.at ?? null,
    files,
    bytes,
    milliseconds: Math.round(milliseconds),
    attempts,
  };
}
