// The CA's Secret and the bundle in memory, with the API server's optimistic concurrency.
import type { CaData } from '../../../operator/certs/authority.ts';
import type { CaKeeper } from '../../../operator/certs/self-managed.ts';

export interface KeptSecret extends CaKeeper {
  data: CaData | undefined;
  version: number;
  bundle: string | undefined;
  /** Runs before each write: another writer's chance. */
  beforeWrite: () => void;
}

export function keptSecret(): KeptSecret {
  const kept: KeptSecret = {
    data: {},
    version: 1,
    bundle: undefined,
    beforeWrite: () => undefined,
    readSecret: () => Promise.resolve(kept.data === undefined ? undefined : { resourceVersion: String(kept.version), data: kept.data }),
    writeSecret: ({ resourceVersion, data }) => {
      kept.beforeWrite();
      if (resourceVersion !== String(kept.version)) return Promise.resolve(false);
      kept.data = data;
      kept.version += 1;
      return Promise.resolve(true);
    },
    applyBundle: (bundle) => {
      kept.bundle = bundle;
      return Promise.resolve();
    },
  };
  return kept;
}
