// How admission finds an EncryptedModel: in the cache, and on a miss by one bounded GET (the model may be a moment younger than the cache).
import type { EncryptedModel } from '../../core/api/encrypted-model.ts';

/** The model, or undefined where the API server says that there is none. Rejects where nobody can say (admission then fails, not denies). */
export type ModelLookup = (namespace: string, name: string, signal: AbortSignal) => Promise<EncryptedModel | undefined>;
