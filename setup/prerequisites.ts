// What a machine must bring along before anything is installed on it. All that is wrong is said at once.
import { accessSync, constants, readFileSync, statfsSync } from 'node:fs';
import { cacheRoot } from '../build/config.ts';
import { run } from './child-process.ts';

const ASK_LIMIT_MS = 30_000;
const GiB = 1024 ** 3;
/** Linking Kubernetes takes 3.3 GB of memory; all sources, build caches and results take about 9 GB of disk. */
const MEMORY_BYTES = 5 * GiB;
const DISK_BYTES = 12 * GiB;

export interface Machine {
  readonly platform: string;
  readonly uid: number;
  /** As `go env GOVERSION` says it; undefined: no Go. */
  readonly go: string | undefined;
  /** As `python3 --version` says it; undefined: no Python. */
  readonly python: string | undefined;
  /** Its Python brings pip along. */
  readonly ensurePip: boolean;
  readonly dpkg: boolean;
  /** New namespaces and control groups can be made, as the embedded cluster does. */
  readonly namespaces: boolean;
  readonly memoryBytes: number;
  /** Free where the cache lies. */
  readonly diskBytes: number;
  /** Everything slow is cached already: memory and disk matter less. */
  readonly warm: boolean;
}

const atLeast = (text: string | undefined, major: number, minor: number): boolean => {
  const [, foundMajor, foundMinor] = /(\d+)\.(\d+)/.exec(text ?? '') ?? [];
  return Number(foundMajor) > major || (Number(foundMajor) === major && Number(foundMinor) >= minor);
};

/** What stands in the way, each with its remedy; empty when nothing does. */
export function obstacles(machine: Machine): string[] {
  const found: string[] = [];
  const needs = (holds: boolean, text: string): void => {
    if (!holds) found.push(text);
  };
  needs(machine.platform === 'linux-x64', `Linux on amd64 is needed; this is ${machine.platform}`);
  needs(machine.uid === 0, 'root is needed (Debian packages, and namespaces for the embedded cluster): run it with sudo, or as root in a virtual machine');
  needs(machine.dpkg, 'Debian or Ubuntu is needed: packages are installed with apt-get');
  needs(atLeast(machine.go, 1, 26), `Go 1.26 or newer is needed on the PATH; ${machine.go === undefined ? 'there is none' : `this is ${machine.go}`}: see https://go.dev/doc/install`);
  needs(atLeast(machine.python, 3, 10), `Python 3.10 or newer is needed as python3; ${machine.python === undefined ? 'there is none' : `this is ${machine.python}`}: apt-get install python3`);
  needs(machine.uid !== 0 || machine.namespaces, 'namespaces and control groups of its own are needed for the embedded cluster, and may not be made here: use a machine, a virtual machine, or a privileged container');
  if (!machine.warm) {
    const gib = (bytes: number): string => (bytes / GiB).toFixed(1);
    needs(machine.memoryBytes >= MEMORY_BYTES, `${gib(MEMORY_BYTES)} GiB of free memory are needed to link Kubernetes; ${gib(machine.memoryBytes)} GiB are free`);
    needs(machine.diskBytes >= DISK_BYTES, `${gib(DISK_BYTES)} GiB of free disk are needed under ${cacheRoot()} and Go's caches; ${gib(machine.diskBytes)} GiB are free`);
  }
  return found;
}

const answer = async (command: string, ...args: string[]): Promise<string | undefined> => {
  try {
    return await run(command, args, { limitMs: ASK_LIMIT_MS });
  } catch {
    return undefined;
  }
};

function freeDisk(path: string): number {
  for (let at = path; ; at = at.slice(0, Math.max(1, at.lastIndexOf('/')))) {
    try {
      const { bavail, bsize } = statfsSync(at);
      return bavail * bsize;
    } catch (error) {
      if (at === '/') throw error;
    }
  }
}

/** Where the cluster makes its control groups: the memory hierarchy of v1, or the one hierarchy of v2. Writable means mounted so, for root. */
function groupsWritable(): boolean {
  return ['/sys/fs/cgroup/memory', '/sys/fs/cgroup/cgroup.subtree_control'].some((path) => {
    try {
      accessSync(path, constants.W_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export async function inspectMachine(warm: boolean): Promise<Machine> {
  const [go, python, ensurePip, dpkg, unshared] = await Promise.all([answer('go', 'env', 'GOVERSION'), answer('python3', '--version'), answer('python3', '-c', 'import ensurepip'), answer('dpkg', '--version'), answer('unshare', '--mount', '--pid', '--fork', '--net', '--uts', '--ipc', '--cgroup', 'true')]);
  const available = /MemAvailable:\s+(\d+) kB/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  return {
    platform: `${process.platform}-${process.arch}`,
    uid: process.getuid?.() ?? -1,
    go,
    python,
    ensurePip: ensurePip !== undefined,
    dpkg: dpkg !== undefined,
    namespaces: unshared !== undefined && groupsWritable(),
    memoryBytes: Number(available) * 1024,
    diskBytes: freeDisk(cacheRoot()),
    warm,
  };
}
