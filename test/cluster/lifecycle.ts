// Starting and ending clusters. A cluster lives on its own (keeper.sh); here one is asked to come up, found again, and taken down.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../../setup/child-process.ts';
import { lock } from '../../setup/lock.ts';
import { toolPaths } from '../../setup/tools.ts';
import { Cluster } from './cluster.ts';
import { checkName, lockFile, stateFolder } from './layout.ts';
import { writeState } from './state.ts';

const START_LIMIT_MS = 180_000; // 5 to 9 s on a quiet machine
const END_LIMIT_MS = 120_000;
const LOOK_EVERY_MS = 50;
const LAST_LINES = 8;

export type Say = (text: string) => void;

export interface StartOptions {
  /** The cluster ends with this process, however that ends; otherwise it stays until it is taken down. */
  readonly leashed?: boolean;
  readonly say?: Say;
}

const searchPath = (): string => {
  const { kube, containerdFolder, helm } = toolPaths();
  return [dirname(kube), containerdFolder, dirname(helm)].join(':');
};

/** Content of a file that a cluster which is just ending may take away at any moment: then nothing. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The cluster of that name if it is up. */
export function runningCluster(name: string): Cluster | undefined {
  checkName(name);
  const state = stateFolder(name);
  if (!existsSync(join(state, 'ready'))) return undefined;
  const pid = Number(textOf(join(state, 'init.pid')));
  // A process id may have been given away since; only the cluster's own first process is in its control group.
  const groups = textOf(`/proc/${pid}/cgroup`);
  return groups.includes(`/weightlock-${name}\n`) || groups.includes(`/weightlock-${name}/`) ? new Cluster(name, pid, searchPath()) : undefined;
}

/** What a failed start left to read. */
function lastWords(state: string): string {
  const logs = join(state, 'logs');
  const reason = textOf(join(logs, 'failure')).trim() || 'the cluster ended';
  const component = reason.split(' ')[0] ?? '';
  const shown = readdirSync(logs).filter((file) => file === `${component}.log` || file === 'keeper.log' || file === 'import.log');
  const tails = shown.map((file) => `  ${join(logs, file)}:\n${textOf(join(logs, file)).trimEnd().split('\n').slice(-LAST_LINES).map((line) => `    ${line}`).join('\n')}`);
  return [reason, ...tails].join('\n');
}

async function ready(keeper: ChildProcess, state: string): Promise<void> {
  const limit = performance.now() + START_LIMIT_MS;
  while (!existsSync(join(state, 'ready'))) {
    if (keeper.exitCode !== null || keeper.signalCode !== null) throw new Error(lastWords(state));
    if (performance.now() > limit) {
      keeper.kill('SIGKILL');
      throw new Error(`not ready after ${START_LIMIT_MS / 1000} s\n${lastWords(state)}`);
    }
    await delay(LOOK_EVERY_MS);
  }
}

/** Starts the cluster unless it is up, clearing away what a killed one of that name may have left. */
export async function startCluster(name: string, { leashed = false, say = () => {} }: StartOptions = {}): Promise<Cluster> {
  checkName(name);
  using _held = await lock(lockFile(name), () => say(`waiting: somebody else starts or ends ${name}`));
  const running = runningCluster(name);
  if (running !== undefined) {
    say(`cluster ${name} is already up`);
    return running;
  }
  await end(name);
  const state = stateFolder(name);
  say(`starting Kubernetes in namespaces of its own (state: ${state})`);
  await writeState(state);
  const log = openSync(join(state, 'logs/keeper.log'), 'w');
  const keeper = spawn(join(import.meta.dirname, 'keeper.sh'), [name, state, searchPath()], { detached: true, stdio: ['pipe', log, log] });
  closeSync(log);
  await once(keeper, 'spawn');
  await ready(keeper, state);
  if (leashed) {
    // The pipe stays open as long as this process lives, without keeping it alive.
    keeper.stdin?.on('error', () => {});
    (keeper.stdin as unknown as { unref(): void } | null)?.unref();
  } else keeper.stdin?.end('stay\n');
  keeper.unref();
  const cluster = runningCluster(name);
  if (cluster === undefined) throw new Error(`cluster ${name} ended right after its start\n${lastWords(state)}`);
  return cluster;
}

async function end(name: string): Promise<void> {
  const state = stateFolder(name);
  mkdirSync(dirname(state), { recursive: true });
  await run('bash', ['-c', '. "$0" && remove_groups "$1" && flock --wait 60 "$2" true', join(import.meta.dirname, 'cgroups.sh'), name, `${state}.alive`], { limitMs: END_LIMIT_MS });
  rmSync(state, { recursive: true, force: true });
  rmSync(`${state}.alive`, { force: true });
}

/** Ends the cluster of that name and removes all that it left; nothing happens when there is none. */
export async function endCluster(name: string, say: Say = () => {}): Promise<void> {
  checkName(name);
  using _held = await lock(lockFile(name), () => say(`waiting: somebody else starts or ends ${name}`));
  await end(name);
}
