// The pods that carry a model now, in the order in which a person wants to read of them.
import type { Load } from './load.ts';
import type { ObservedPod } from './pod.ts';

export interface Consumer {
  readonly pod: ObservedPod;
  readonly load: Load;
}

const ORDER: Readonly<Record<Load['phase'], number>> = { Failed: 0, Loading: 1, Ready: 2 };

/**
 * A pod that is over no longer holds the model. It is still told of while its decryptor's failure is the last word: until its controller has made a
 * newer pod, or somebody deletes it.
 */
export function consumersOf(model: string, pods: readonly ObservedPod[]): readonly Consumer[] {
  return pods
    .flatMap((pod) => pod.loads.filter((load) => load.model === model).map((load): Consumer => ({ pod, load })))
    .filter(({ pod, load }) => {
      if (load.phase !== 'Ready' && pod.leaving) return false;
      if (!pod.ended) return true;
      return load.phase === 'Failed' && !pods.some((other) => isNewer(other, pod));
    })
    .sort((a, b) => ORDER[a.load.phase] - ORDER[b.load.phase] || compare(a.pod.metadata.name, b.pod.metadata.name));
}

const isNewer = (other: ObservedPod, pod: ObservedPod): boolean => pod.controller !== undefined && other.controller === pod.controller && Date.parse(other.createdAt) > Date.parse(pod.createdAt);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
