// What the configuration says about reading, opened: the store, the allowed keys, the policy. Owned by one run.
import type { DecryptorConfig } from '../core/api/decryptor-config.ts';
import type { AwsAccess } from '../core/aws/access.ts';
import { openKey } from '../core/keys/registry.ts';
import type { AllowedKey } from '../core/keys/unwrap.ts';
import type { ReaderPolicy } from '../core/opening/policy.ts';
import { openStore } from '../core/stores/registry.ts';
import type { StoreReader } from '../core/stores/store.ts';

export interface Reader extends Disposable {
  readonly store: StoreReader;
  readonly keys: readonly AllowedKey[];
  readonly policy: ReaderPolicy;
}

/** Opens no connection yet. Throws E_CONFIG, E_CREDENTIALS, E_ENDPOINT_REFUSED, E_IO. `now`: seconds since the epoch. */
export async function openReader(config: DecryptorConfig, now: () => number): Promise<Reader> {
  const access: AwsAccess = { credentials: config.credentials, allowedEndpoints: config.allowedEndpoints };
  const keys: AllowedKey[] = [];
  const closeKeys = (): void => {
    for (const { key } of keys) key.close();
  };
  try {
    for (const entry of config.keys) keys.push({ key: await openKey(entry, access), context: entry.context ?? {} });
    const store = openStore(config.source, access);
    const close = (): void => {
      store.close();
      closeKeys();
    };
    return { store, keys, policy: policyOf(config, now), [Symbol.dispose]: close };
  } catch (error) {
    closeKeys();
    throw error;
  }
}

function policyOf({ manifest, model, verify, files }: DecryptorConfig, now: () => number): ReaderPolicy {
  return {
    digest: manifest.digest.slice('sha256:'.length),
    lineage: manifest.lineage,
    name: model.name,
    version: model.version,
    content: verify.content,
    files,
    expected: { bytes: manifest.bytes, files: manifest.files },
    now,
  };
}
