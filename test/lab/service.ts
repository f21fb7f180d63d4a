// Servers beside Kubernetes, in the same network namespace: pods reach them at the node's address. They end with the cluster, not with
// whoever started them, so that `make demo` leaves something to look at.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.ts';

const READY_LIMIT_MS = 60_000;
const LOOK_EVERY_MS = 100;

export interface Service {
  /** `http://10.77.0.1:PORT`, reachable inside only. */
  readonly origin: string;
  readonly port: number;
}

export interface ServiceOptions {
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Where a service of this name keeps its files: part of the cluster's state, and removed with it. */
export function serviceFolder(cluster: Cluster, name: string): string {
  const folder = join(cluster.stateFolder, 'services', name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Starts `command` as a process of the cluster and returns once it takes connections. Does nothing where the port already does. */
export async function startService(cluster: Cluster, name: string, command: readonly string[], { port, env = {} }: ServiceOptions): Promise<Service> {
  const service = { origin: `http://${cluster.nodeAddress}:${port}`, port };
  if (await answers(cluster, port)) return service;
  const log = join(serviceFolder(cluster, name), 'log');
  // The shell ends at once and leaves the server to the cluster's first process.
  await cluster.exec('bash', ['-c', 'log=$1; shift; setsid "$@" > "$log" 2>&1 < /dev/null &', 'bash', log, ...command], {
    cwd: serviceFolder(cluster, name),
    env,
  });
  const limit = performance.now() + READY_LIMIT_MS;
  while (!(await answers(cluster, port))) {
    if (performance.now() > limit) throw new Error(`${name} does not answer at ${service.origin} after ${READY_LIMIT_MS / 1000} s: see ${log}`);
    await delay(LOOK_EVERY_MS);
  }
  return service;
}

async function answers(cluster: Cluster, port: number): Promise<boolean> {
  const { status } = await cluster.attempt('bash', ['-c', `exec 3<> /dev/tcp/${cluster.nodeAddress}/${port}`]);
  return status === 0;
}
