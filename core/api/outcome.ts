// What the decryptor leaves in its termination message, `weightlock.outcome/1.0`, at most 4 KiB. A report, not evidence: a pod's author can forge it.

export const OUTCOME_SCHEMA = 'weightlock.outcome/1.0';
export const OUTCOME_LIMIT_BYTES = 4096;

export interface Outcome {
  readonly schema: typeof OUTCOME_SCHEMA;
  /** `acme/llama-ft@2026.11.2`; the EncryptedModel's own name is the container's name less its prefix. */
  readonly model: string;
  readonly mode: 'load' | 'check';
  /** null = success; else a code of core/errors.ts. */
  readonly code: string | null;
  /** Cut first when the whole would pass the limit. */
  readonly message: string;
  readonly digest: string;
  readonly lineage: string;
  readonly key: { readonly provider: string; readonly id: string } | null;
  readonly kmsRequestId: string | null;
  /** RFC 3339, UTC; null where nothing was unwrapped. */
  readonly unwrappedAt: string | null;
  readonly files: number;
  readonly bytes: number;
  readonly milliseconds: number;
  /** How often this volume was tried, this time included. */
  readonly attempts: number;
}
