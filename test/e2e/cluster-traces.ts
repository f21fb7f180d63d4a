// What a cluster could leave on a machine, seen from outside of it: for tests that end one in every way there is.
import { type Dirent, existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { stateFolder } from '../cluster/layout.ts';

const NAMESPACES = ['mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup'] as const;
/** Paths that Kubernetes, containerd and CNI plugins write by default. */
const SHARED_PATHS = ['/run/containerd', '/run/cni', '/run/netns', '/var/lib/cni', '/var/lib/kubelet', '/var/lib/containerd', '/var/log/pods', '/var/log/containers', '/opt/containerd', '/opt/cni', '/etc/cni', '/usr/libexec/kubernetes', '/root/.kube'];
const SHARED_SETTINGS = ['vm/overcommit_memory', 'vm/panic_on_oom', 'kernel/panic', 'kernel/panic_on_oops', 'kernel/keys/root_maxkeys', 'net/ipv4/ip_forward', 'net/netfilter/nf_conntrack_max'];

const readable = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // a process that has just ended, a setting that this kernel lacks
  }
};
const entries = (path: string): Dirent[] => (existsSync(path) ? readdirSync(path, { withFileTypes: true }) : []);

/** Process ids of the machine whose control group, or command line, is the cluster's. */
export function processesOf(name: string): string[] {
  const ours = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid));
  return ours.filter((pid) => new RegExp(`/weightlock-${name}(/|\n)`).test(readable(`/proc/${pid}/cgroup`)) || readable(`/proc/${pid}/cmdline`).split('\0').includes(stateFolder(name)));
}

const namespaceLinks = (pid: string): string[] =>
  NAMESPACES.flatMap((kind) => {
    try {
      return [readlinkSync(`/proc/${pid}/ns/${kind}`)];
    } catch {
      return [];
    }
  });

/** `net:[4026532…]` and so on: every namespace that a process of the cluster is in and this process is not. */
export function namespacesOf(pids: readonly string[]): Set<string> {
  const outside = new Set(namespaceLinks('self'));
  return new Set(pids.flatMap(namespaceLinks).filter((link) => !outside.has(link)));
}

/** Everything of the cluster that is still to be found; `namespaces` as they were while it ran. Empty when it left nothing but logs. */
export function tracesOf(name: string, namespaces: ReadonlySet<string>): string[] {
  // The kernel gives the number of a namespace that is gone to the next one that is made: other clusters may have it by now.
  const others = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && !/\/weightlock-/.test(readable(`/proc/${pid}/cgroup`)));
  return [
    ...processesOf(name).map((pid) => `process ${pid} ${readable(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`),
    ...[...namespacesOf([...others, ...processesOf(name)])].filter((link) => namespaces.has(link)).map((link) => `namespace ${link}`),
    ...['', ...entries('/sys/fs/cgroup').filter((entry) => entry.isDirectory()).map((entry) => entry.name)].map((hierarchy) => join('/sys/fs/cgroup', hierarchy, `weightlock-${name}`)).filter((group) => existsSync(group)),
    ...readable('/proc/self/mountinfo').split('\n').filter((line) => line.includes(stateFolder(name))),
    ...entries(stateFolder(name)).filter((entry) => entry.name !== 'logs').map((entry) => join(stateFolder(name), entry.name)),
  ];
}

/** What no cluster may change, as one text. */
export function machineState(): string {
  const settings = SHARED_SETTINGS.map((setting) => `${setting} = ${readable(`/proc/sys/${setting}`).trim()}`);
  const mounts = readable('/proc/self/mountinfo').split('\n').map((line) => line.split(' ').slice(3, 5).join(' ')).sort();
  const links = readable('/proc/net/dev').split('\n').map((line) => line.split(':')[0]?.trim() ?? '').sort();
  return [...settings, ...SHARED_PATHS.filter((path) => existsSync(path)), ...mounts, ...links].join('\n');
}
