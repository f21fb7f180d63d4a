// What the cache keeps of a pod: who it is, and how far each of its decryptors came. A few hundred bytes, whatever the pod is.
import { RESERVED_PREFIX } from '../../core/api/names.ts';
import type { Stored } from '../kube/store.ts';
import { type Load, loadOf, type RawContainerStatus } from './load.ts';

/** A Pod as the API server sends it, as far as it is read here. */
export interface RawPod extends Stored {
  readonly metadata: Stored['metadata'] & {
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly { readonly uid: string; readonly controller?: boolean }[];
  };
  readonly spec: {
    readonly nodeName?: string;
    readonly initContainers?: readonly RawContainer[];
    readonly containers: readonly RawContainer[];
    /** Of the pod as a whole (KEP-2837). */
    readonly resources?: Limits;
  };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
    readonly initContainerStatuses?: readonly RawContainerStatus[];
  };
}
interface Limits {
  readonly limits?: Readonly<Record<string, unknown>>;
}
interface RawContainer {
  readonly name: string;
  readonly image?: string;
  readonly resources?: Limits;
}

export interface ObservedPod extends Stored {
  readonly metadata: { readonly namespace: string; readonly name: string; readonly uid: string; readonly resourceVersion: string };
  /** RFC 3339. */
  readonly createdAt: string;
  readonly node: string | undefined;
  /** UID of the controller that made it. */
  readonly controller: string | undefined;
  /** The pod is over: its memory is given back. */
  readonly ended: boolean;
  /** Somebody deleted it; it may still be running. */
  readonly leaving: boolean;
  readonly unschedulable: boolean;
  /** The pod has no memory limit of its own, and a container has none: its cgroup then has none either. */
  readonly memoryUnlimited: boolean;
  /** One for each model that admission injected. */
  readonly loads: readonly Load[];
}

/** `images`: whose reports are read, by digest. */
export function observePod(raw: RawPod, images: readonly string[]): ObservedPod {
  const { namespace = '', name, uid, resourceVersion, creationTimestamp, deletionTimestamp, ownerReferences } = raw.metadata;
  const ours = (raw.spec.initContainers ?? []).filter((container) => container.name.startsWith(RESERVED_PREFIX));
  const statuses = raw.status?.initContainerStatuses ?? [];
  const { phase, conditions = [] } = raw.status ?? {};
  const all = [...(raw.spec.initContainers ?? []), ...raw.spec.containers];
  return {
    metadata: { namespace, name, uid, resourceVersion },
    createdAt: creationTimestamp,
    node: raw.spec.nodeName,
    controller: ownerReferences?.find(({ controller }) => controller === true)?.uid,
    ended: phase === 'Succeeded' || phase === 'Failed',
    leaving: deletionTimestamp !== undefined,
    unschedulable: conditions.some(({ type, status, reason }) => type === 'PodScheduled' && status === 'False' && reason === 'Unschedulable'),
    memoryUnlimited: isUnlimited(raw.spec) && all.some(isUnlimited),
    loads: ours.map((container) =>
      loadOf({
        container: container.name,
        model: container.name.slice(RESERVED_PREFIX.length),
        image: container.image ?? '',
        status: statuses.find((status) => status.name === container.name),
        createdAt: creationTimestamp,
        images,
      }),
    ),
  };
}

/** A limit of 0 is none, as the kubelet counts it. */
const isUnlimited = ({ resources }: { readonly resources?: Limits }): boolean => ['undefined', '0'].includes(String(resources?.limits?.['memory']));

/** Under which keys of models the cache finds a pod. */
export const modelsOf = ({ metadata, loads }: ObservedPod): readonly string[] => loads.map(({ model }) => `${metadata.namespace}/${model}`);
