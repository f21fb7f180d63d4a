// Steps 1-6 of the order of opening (format.md §8): from a policy and a prefix to an accepted manifest and its lineage's keys.
import type { AllowedKey } from '../keys/unwrap.ts';
import type { Pacing } from '../retry.ts';
import type { StoreReader } from '../stores/store.ts';
import type { OpenedModel } from './opened-model.ts';
import type { ReaderPolicy } from './policy.ts';

/**
 * Reads version, envelope and manifest object, has the DEK unwrapped (one KMS call, normally), opens the manifest and holds it to `policy`.
 * Throws any code of §11's classes policy, store, kms, format, tamper, path; then no key is left.
 */
export declare function openManifest(policy: ReaderPolicy, store: StoreReader, keys: readonly AllowedKey[], signal: AbortSignal, pacing?: Pacing): Promise<OpenedModel>;
