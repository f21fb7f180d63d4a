// The command line of the embedded cluster; test/cluster/cluster starts it with the pinned Node.
import { resolve } from 'node:path';
import type { Cluster } from './cluster.ts';
import { endCluster, runningCluster, startCluster } from './lifecycle.ts';
import { DEFAULT_NAME, stateFolder } from './layout.ts';

const USAGE = `A real one-node Kubernetes in Linux namespaces of its own, for tests and the demo.

  cluster up   [NAME]                  starts it, unless it is up; it stays until "down"
  cluster down [NAME]                  ends it and everything that runs in it, and removes its state
  cluster kubectl NAME ARGUMENT…       kubectl as administrator
  cluster exec NAME COMMAND…           any program inside: it sees the node's network, helm, ctr, and KUBECONFIG
  cluster load NAME IMAGE.tar…         makes images known to the node

NAME is ${DEFAULT_NAME} where it may be left out.
`;

const say = (text: string): void => void process.stderr.write(`${text}\n`);

function running(name: string): Cluster {
  const cluster = runningCluster(name);
  if (cluster === undefined) throw new Error(`there is no cluster ${name}: start it with \`test/cluster/cluster up ${name}\``);
  return cluster;
}

async function inside(name: string, command: string, args: readonly string[]): Promise<number> {
  const child = running(name).spawnInside(command, args, { stdio: 'inherit' });
  return new Promise((ended, reject) => {
    child.once('error', reject);
    child.once('close', (status) => ended(status ?? 1));
  });
}

async function main([verb = '', name = DEFAULT_NAME, ...rest]: readonly string[]): Promise<number> {
  const [command, ...args] = rest;
  switch (verb) {
    case 'up': {
      const begun = performance.now();
      await startCluster(name, { say });
      say(`cluster ${name} is up after ${((performance.now() - begun) / 1000).toFixed(1)} s: test/cluster/cluster kubectl ${name} get pods --all-namespaces`);
      return 0;
    }
    case 'down':
      await endCluster(name, say);
      say(`cluster ${name} is down; ${stateFolder(name)} is removed`);
      return 0;
    case 'kubectl':
      return inside(name, 'kube', ['kubectl', ...rest]);
    case 'load':
      for (const archive of rest) await running(name).loadImage(resolve(archive));
      return 0;
    case 'exec':
      if (command === undefined) break;
      return inside(name, command, args);
    default:
  }
  process.stderr.write(USAGE);
  return 2;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`cluster: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
