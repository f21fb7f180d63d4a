// How admission finds an EncryptedModel: in the cache, and on a miss by one bounded GET (the model may be a moment younger than the cache).
import type { EncryptedModel } from '../../core/api/encrypted-model.ts';
import type { ApiClient } from './client.ts';
import { getObject } from './objects.ts';
import { ENCRYPTED_MODELS } from './resource.ts';
import { keyOf, type Stored, type StoreReader } from './store.ts';

/** The model, or undefined where the API server says that there is none. Rejects where nobody can say (admission then fails, not denies). */
export type ModelLookup = (namespace: string, name: string, signal: AbortSignal) => Promise<EncryptedModel | undefined>;

export function modelLookup(client: ApiClient, models: StoreReader<EncryptedModel & Stored>): ModelLookup {
  return (namespace, name, signal) => {
    const known = models.get(keyOf({ namespace, name }));
    return known === undefined ? getObject<EncryptedModel>(client, ENCRYPTED_MODELS, { namespace, name }, signal) : Promise.resolve(known);
  };
}
