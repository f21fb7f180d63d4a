// The embedded cluster itself: however it ends, and whoever is killed, nothing of it stays on the machine.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { REPOSITORY } from '../../build/config.ts';
import { stateFolder } from '../cluster/layout.ts';
import { endCluster, runningCluster, startCluster } from '../cluster/lifecycle.ts';
import { machineState, namespacesOf, processesOf, tracesOf } from './cluster-traces.ts';

const NAME = `ends-${createHash('sha256').update(REPOSITORY).digest('hex').slice(0, 8)}`;
const GONE_LIMIT_MS = 60_000;
const LIFECYCLE = join(REPOSITORY, 'test/cluster/lifecycle.ts');

jest.setTimeout(240_000); // a start takes 7 s on a quiet machine

let before: string;
beforeAll(async () => {
  await endCluster(NAME);
  before = machineState();
});
afterAll(() => endCluster(NAME));

/** A process that starts the cluster, as a test run or a person's shell would; it says `up` and then only waits. */
function starter(leashed: boolean): ChildProcess {
  const program = `const { startCluster } = await import(${JSON.stringify(LIFECYCLE)}); await startCluster(${JSON.stringify(NAME)}, { leashed: ${leashed} }); console.log('up'); setInterval(() => {}, 1000);`;
  return spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function up(leashed: boolean): Promise<ChildProcess> {
  const child = starter(leashed);
  if (child.stdout === null) throw new Error('no pipe');
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => Promise.reject(new Error('the starter ended')))]);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** Waits until no trace is left; the traces that stay are the failure's text. */
async function gone(namespaces: ReadonlySet<string>): Promise<void> {
  const limit = performance.now() + GONE_LIMIT_MS;
  while (tracesOf(NAME, namespaces).length > 0 && performance.now() < limit) await delay(50);
  expect(tracesOf(NAME, namespaces)).toEqual([]);
  expect(machineState()).toBe(before);
}

/** Process ids of the cluster's keeper with the child that reads its leash, or of its sweeper. */
const keepers = (which: 'keeper' | 'sweeper'): number[] =>
  processesOf(NAME)
    .filter((pid) => {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return command.some((word) => word.endsWith('/keeper.sh')) && command.includes('sweep') === (which === 'sweeper');
    })
    .map(Number);

test('a leashed cluster ends with whoever started it, also after kill -9, with a pod running', async () => {
  const owner = await up(true);
  const cluster = runningCluster(NAME);
  await cluster?.kubectl(['run', 'p', '--image=localhost/box:1', '--restart=Never', '--', 'sleep', '3600']);
  await cluster?.kubectl(['wait', 'pod/p', '--for=condition=Ready', '--timeout=60s']);
  const namespaces = namespacesOf(processesOf(NAME));
  expect(namespaces.size).toBeGreaterThan(8); // the cluster's six and the pod's
  await kill(owner);
  await gone(namespaces);
});

test('another cluster stays when whoever started it is killed, is found again, and ends with its keeper', async () => {
  await kill(await up(false));
  const said: string[] = [];
  await startCluster(NAME, { say: (text) => said.push(text) });
  expect(said).toEqual([`cluster ${NAME} is already up`]);
  const namespaces = namespacesOf(processesOf(NAME));
  const [keeper] = keepers('keeper');
  process.kill(keeper ?? NaN, 'SIGKILL');
  await gone(namespaces);
});

test('a program started inside ends when its process outside is killed', async () => {
  const cluster = await startCluster(NAME, { leashed: true });
  const child = cluster.spawnInside('sh', ['-c', 'echo started; exec sleep 987654'], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('no pipe');
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'close'); // its standard output is closed once the program inside has ended too
  expect(await cluster.attempt('pidof', ['sleep'])).toMatchObject({ status: 1, stdout: '' });
});

test('a component that ends takes the cluster along, and the log names it', async () => {
  const cluster = await startCluster(NAME, { leashed: true });
  const namespaces = namespacesOf(processesOf(NAME));
  await cluster.attempt('sh', ['-c', 'kill -KILL $(pidof -s containerd)']); // which may itself be ended before it can say how it went
  await gone(namespaces);
  expect(readFileSync(join(stateFolder(NAME), 'logs/failure'), 'utf8')).toBe('containerd ended\n');
});

test('keeper and sweeper killed together leave what the next start clears away', async () => {
  const first = await startCluster(NAME, { leashed: true });
  const namespaces = namespacesOf(processesOf(NAME));
  const ids = [...keepers('sweeper'), ...keepers('keeper')];
  expect(ids.length).toBeGreaterThanOrEqual(2); // and the process that reads the leash
  await first.exec('true', []); // it lives until then
  for (const id of ids) process.kill(id, 'SIGKILL');
  const second = await startCluster(NAME, { leashed: true });
  expect(await second.kubectl(['get', 'nodes', '--output=name'])).toBe('node/node1\n');
  await endCluster(NAME);
  await gone(namespaces);
});

test.each([20, 1000, 3000])('a start killed after %d ms leaves nothing', async (afterMs) => {
  const child = starter(true);
  await Promise.race([once(child, 'exit'), delay(300 + afterMs)]); // Node itself takes 300 ms to begin
  const namespaces = namespacesOf(processesOf(NAME));
  await kill(child);
  await endCluster(NAME);
  await gone(namespaces);
});
