// What the demo waits for, as the API server tells it.
import type { Cluster } from '../cluster/cluster.ts';
import { APP, NAMESPACE } from './manifests.ts';

const LIMIT_MS = 120_000;
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
const OF_THE_APP = `${PODS}?labelSelector=app%3D${APP}`;

export interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: {
    readonly phase: string;
    readonly containerStatuses?: readonly { readonly ready: boolean }[];
    readonly initContainerStatuses?: readonly { readonly state: { readonly running?: object; readonly terminated?: object } }[];
  };
}
interface Pods {
  readonly items: readonly Pod[];
}

const began = ({ status }: Pod): boolean =>
  (status.initContainerStatuses ?? []).some(({ state }) => state.running !== undefined || state.terminated !== undefined);
const ready = ({ status }: Pod): boolean => status.containerStatuses?.every((container) => container.ready) ?? false;

/** The decryptor of the app's pod has started. */
export async function loadBegan(cluster: Cluster): Promise<void> {
  await cluster.until<Pods>(OF_THE_APP, (pods) => pods?.items.some(began) ?? false, LIMIT_MS);
}

/** The app's server answers its readiness probe. */
export async function serverReady(cluster: Cluster): Promise<Pod> {
  const pods = await cluster.until<Pods>(OF_THE_APP, (list) => list?.items[0] !== undefined && ready(list.items[0]), LIMIT_MS);
  const pod = pods?.items[0];
  if (pod === undefined) throw new Error('the Deployment has no pod');
  return pod;
}

/** A pod that is tried once has failed. */
export async function refused(cluster: Cluster, name: string): Promise<void> {
  await cluster.until<Pod>(`${PODS}/${name}`, (pod) => pod?.status.phase === 'Failed', LIMIT_MS);
}
