// What our init containers ask for, so that a pod's cgroup and its place on a node hold the model beside the server (docs/memory-sizing.md).
// tmpfs pages are charged to the pod for its life, but scheduler, kubelet and eviction count max(init containers, sum of containers): the last
// of ours therefore asks for the model and for everything that will run beside it. Nobody else's container is touched.
import { divideUp } from './quantity.ts';

/** One resource of one container. `limit` undefined = none. */
export interface Ask {
  readonly request: bigint;
  readonly limit: bigint | undefined;
}

/** An init container at its place in the pod. `volume`: what it leaves in its volume; `own`: what it needs itself while it runs. */
export type InitStep =
  { readonly kind: 'init' | 'sidecar'; readonly ask: Ask } | { readonly kind: 'ours'; readonly name: string; readonly volume: bigint; readonly own: bigint };

export interface Sizing {
  readonly asks: ReadonlyMap<string, { readonly request: bigint; readonly limit: bigint }>;
  /** What the pod's requests come to at the least. */
  readonly needs: bigint;
}

const PAGE_BYTES_MAX = 65_536n; // arm64 kernels with 64-KiB pages: a small file takes a whole one
const MIB = 1024n * 1024n;

/** sizeLimit of a model's volume: whole pages for every file, 1 % for what tmpfs keeps about them, up to a whole MiB. */
export const volumeBytes = (bytes: number, files: number): bigint =>
  divideUp(divideUp((BigInt(bytes) + BigInt(files) * PAGE_BYTES_MAX) * 101n, 100n), MIB) * MIB;

export interface Rules {
  /** Who of ours asks for what the pod needs beside it: the last alone (memory: earlier ones are held to what they use), or each (CPU, which is free again). */
  readonly forThePod: 'last' | 'each';
  /** The limit of ours where the pod has none to follow; at least the request. */
  readonly unlimited: (request: bigint) => bigint;
}

/** What each of ours asks for. `steps`: all init containers in their order, `containers`: what the server and its neighbours ask for. */
export function sizeOurs(steps: readonly InitStep[], containers: readonly Ask[], { forThePod, unlimited }: Rules): Sizing {
  const everyone = [...containers, ...steps.flatMap((step) => (step.kind === 'ours' ? [] : [step.ask]))];
  const limited = everyone.every((ask) => ask.limit !== undefined);
  const requests = sizeOne(steps, containers, forThePod, (ask) => ask.request);
  const limits = limited ? sizeOne(steps, containers, forThePod, (ask) => ask.limit ?? 0n) : undefined;
  const asks = new Map<string, { request: bigint; limit: bigint }>();
  for (const [name, request] of requests.asks) {
    // A sidecar between two of ours may burst by more than an init container there: then the request is the larger.
    asks.set(name, { request, limit: larger(request, limits?.asks.get(name) ?? unlimited(request)) });
  }
  return { asks, needs: requests.needs };
}

function sizeOne(
  steps: readonly InitStep[],
  containers: readonly Ask[],
  forThePod: Rules['forThePod'],
  read: (ask: Ask) => bigint,
): { asks: Map<string, bigint>; needs: bigint } {
  const ours: { readonly name: string; readonly alone: bigint; readonly sidecars: bigint }[] = [];
  let volumes = 0n; // what lies in our volumes by now
  let sidecars = 0n; // native sidecars that run by now; Kubernetes adds them to each later init container itself
  let beside = 0n; // the fullest moment of those that none of ours runs in
  for (const step of steps) {
    switch (step.kind) {
      case 'ours':
        volumes += step.volume;
        ours.push({ name: step.name, alone: volumes + step.own, sidecars });
        break;
      case 'init':
        if (ours.length > 0) beside = larger(beside, volumes + read(step.ask) + sidecars); // before ours nothing lies there yet
        break;
      case 'sidecar':
        sidecars += read(step.ask);
        break;
    }
  }
  const serving = containers.reduce((sum, ask) => sum + read(ask), 0n);
  beside = larger(beside, volumes + serving + sidecars);
  const last = ours.at(-1);
  return {
    asks: new Map(ours.map((one) => [one.name, forThePod === 'each' || one === last ? larger(one.alone, beside - one.sidecars) : one.alone])),
    needs: ours.reduce((most, { alone, sidecars }) => larger(most, alone + sidecars), beside),
  };
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
