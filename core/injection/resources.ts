// Requests and limits of our init containers, from those of the whole pod: memory and CPU by the same arithmetic (sizing.ts).
import { bytesOf, formatBytes, formatMillicores, millicoresOf, roughBytes } from './quantity.ts';
import { demands } from './refusal.ts';
import { type Ask, type InitStep, type Sizing, sizeOurs } from './sizing.ts';
import type { Container, PodSpec, Resources } from './pod.ts';

/** Half a core: below it a model of some GiB takes minutes. It is asked for only while nothing else of the pod runs. */
export const DECRYPTOR_MILLICORES = 500n;
/** Where no container has a CPU limit ours must still carry one (quotas ask for it): more than a load can use. */
const UNLIMITED_MILLICORES = 16_000n;

/** What one of our containers needs by itself, and what it leaves behind. */
export interface Load {
  readonly name: string;
  readonly volumeBytes: bigint;
  readonly overheadBytes: bigint;
  readonly millicores: bigint;
}

export interface OurResources {
  readonly requests: Readonly<Record<'cpu' | 'memory', string>>;
  readonly limits: Readonly<Record<'cpu' | 'memory', string>>;
}

export interface SizedPod {
  /** Of the init container of ours with this name. */
  resourcesOf(name: string): OurResources;
  /** Containers without a memory limit, where the pod as a whole has none: with one of them its cgroup has none. */
  readonly withoutMemoryLimit: readonly string[];
}

/** An init container at its place. */
export type PodStep = { readonly kind: 'ours'; readonly load: Load } | { readonly kind: 'theirs'; readonly container: Container };

/** `steps`: all init containers of the pod as it will be. Refuses a pod whose own `spec.resources` is too small. */
export function sizePod(spec: PodSpec, steps: readonly PodStep[]): SizedPod {
  const theirs = [...spec.containers, ...steps.flatMap((step) => (step.kind === 'ours' ? [] : [step.container]))];
  const memory = sizeOurs(
    steps.map((step) => (step.kind === 'ours' ? ours(step.load, step.load.volumeBytes, step.load.overheadBytes) : foreign(step.container, 'memory', bytesOf))),
    spec.containers.map((container) => askOf(container.resources, 'memory', bytesOf)),
    { forThePod: 'last', unlimited: (request) => request },
  );
  const cpu = sizeOurs(
    steps.map((step) => (step.kind === 'ours' ? ours(step.load, 0n, step.load.millicores) : foreign(step.container, 'cpu', millicoresOf))),
    spec.containers.map((container) => askOf(container.resources, 'cpu', millicoresOf)),
    { forThePod: 'each', unlimited: (request) => (request > UNLIMITED_MILLICORES ? request : UNLIMITED_MILLICORES) },
  );
  const whole = wholePod(spec, memory);
  return {
    resourcesOf(name) {
      const bytes = memory.asks.get(name);
      const milli = cpu.asks.get(name);
      if (bytes === undefined || milli === undefined) throw new Error(`${name} is none of the steps`);
      return {
        requests: { cpu: formatMillicores(atMost(milli.request, whole.cpuRequest, whole.cpu)), memory: formatBytes(bytes.request) },
        limits: { cpu: formatMillicores(atMost(milli.limit, whole.cpu)), memory: formatBytes(atMost(bytes.limit, whole.memory)) },
      };
    },
    withoutMemoryLimit:
      whole.memory !== undefined ? [] : theirs.filter((container) => askOf(container.resources, 'memory', bytesOf).limit === undefined).map(({ name }) => name),
  };
}

const ours = (load: Load, volume: bigint, own: bigint): InitStep => ({ kind: 'ours', name: load.name, volume, own });

const foreign = (container: Container, resource: string, read: Read): InitStep => ({
  kind: container.restartPolicy === 'Always' ? 'sidecar' : 'init',
  ask: askOf(container.resources, resource, read),
});

type Read = (text: string | number) => bigint | undefined;

/** A request that isn't there is the limit, as the API server would default it; a limit of 0 is none, as the kubelet counts it. */
function askOf(resources: Resources | undefined, resource: string, read: Read): Ask {
  const limit = amount(resources?.limits?.[resource], read);
  const request = amount(resources?.requests?.[resource], read);
  return { request: request ?? limit ?? 0n, limit: limit === 0n ? undefined : limit };
}

function amount(text: string | number | undefined, read: Read): bigint | undefined {
  if (text === undefined) return undefined;
  const value = read(text);
  demands(value !== undefined, 'BadQuantity', `"${String(text)}" is not a Kubernetes quantity`, 'Write quantities such as 16Gi or 500m.');
  return value;
}

/** Pod-level `spec.resources` are the user's word on the whole pod: they are never changed, so their memory must hold model and server. */
function wholePod(
  spec: PodSpec,
  memory: Sizing,
): { readonly memory: bigint | undefined; readonly cpu: bigint | undefined; readonly cpuRequest: bigint | undefined } {
  const limit = amount(spec.resources?.limits?.['memory'], bytesOf);
  const least = memory.needs;
  for (const [field, value] of [
    ['spec.resources.limits.memory', limit],
    ['spec.resources.requests.memory', amount(spec.resources?.requests?.['memory'], bytesOf)],
  ] as const) {
    demands(
      value === undefined || value >= least,
      'TooLittleMemory',
      `${field} is ${roughBytes(value ?? 0n)}, the pod needs ${roughBytes(least)}`,
      `Set ${field} to at least ${roughBytes(least)}: the model stays in the pod's memory beside its containers.`,
    );
  }
  const cpu = amount(spec.resources?.limits?.['cpu'], millicoresOf);
  return { memory: limit, cpu, cpuRequest: amount(spec.resources?.requests?.['cpu'], millicoresOf) };
}

const atMost = (value: bigint, ...most: readonly (bigint | undefined)[]): bigint =>
  most.reduce<bigint>((least, bound) => (bound !== undefined && bound < least ? bound : least), value);
