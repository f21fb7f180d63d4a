// How much memory this process's own cgroup still allows: version 1 and 2, the tightest limit on the way up that is visible from here.
import { posix } from 'node:path';

/** Content of a small system file, or null where there is none. */
export type ReadText = (path: string) => string | null;

export interface CgroupMemory {
  readonly limitBytes: number;
  /** Already charged and not to be had back: everything but clean page cache. tmpfs pages count; they are never reclaimed without swap. */
  readonly chargedBytes: number;
}

interface Files {
  readonly limit: string;
  readonly usage: string;
  /** Members of memory.stat that the kernel gives back under pressure. tmpfs pages are on the anonymous lists, so these two hold none. */
  readonly reclaimable: readonly string[];
}

/** Documentation/admin-guide/cgroup-v1/memory.rst; `total_` counts children too, as usage does. */
const V1: Files = { limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes', reclaimable: ['total_inactive_file', 'total_active_file'] };
/** Documentation/admin-guide/cgroup-v2.rst */
const V2: Files = { limit: 'memory.max', usage: 'memory.current', reclaimable: ['inactive_file', 'active_file'] };

/** Version 1 writes "no limit" as the largest multiple of a page below 2^63. */
const NO_LIMIT = 2 ** 62;

/** null where no limit is visible. */
export function readCgroupMemory(read: ReadText): CgroupMemory | null {
  const memberships = (read('/proc/self/cgroup') ?? '').split('\n').map((line) => line.split(':'));
  const mounts = (read('/proc/self/mountinfo') ?? '').split('\n').map(parseMount);
  const v1 = memberships.find(([, controllers]) => controllers?.split(',').includes('memory'));
  const v2 = memberships.find(([hierarchy, controllers]) => hierarchy === '0' && controllers === '');
  const levels = [
    ...levelsOf(mounts.find((mount) => mount?.type === 'cgroup' && mount.options.includes('memory')), v1?.slice(2).join(':'), V1, read),
    ...levelsOf(mounts.find((mount) => mount?.type === 'cgroup2'), v2?.slice(2).join(':'), V2, read),
  ];
  const left = ({ limitBytes, chargedBytes }: CgroupMemory): number => limitBytes - chargedBytes;
  return levels.reduce<CgroupMemory | null>((tightest, level) => (tightest === null || left(level) < left(tightest) ? level : tightest), null);
}

interface Mount {
  /** The cgroup that is mounted, as seen from this process's cgroup namespace. */
  readonly root: string;
  readonly path: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** proc_pid_mountinfo(5): `36 35 98:0 /root /path options optional… - type source superOptions`. */
function parseMount(line: string): Mount | null {
  const [before, after] = line.split(' - ');
  const [, , , root, path] = before?.split(' ') ?? [];
  const [type, , options] = after?.split(' ') ?? [];
  return root === undefined || path === undefined || type === undefined ? null : { root, path, type, options: options?.split(',') ?? [] };
}

/** Every cgroup from the process's own up to the mounted one that has a limit. */
function levelsOf(mount: Mount | null | undefined, membership: string | undefined, files: Files, read: ReadText): CgroupMemory[] {
  if (mount === null || mount === undefined || membership === undefined) return [];
  // In a container the membership may name the host's path while the mount begins at our own cgroup.
  const below = posix.relative(mount.root, membership);
  const own = below.startsWith('..') ? mount.path : posix.join(mount.path, below);
  const levels: CgroupMemory[] = [];
  for (let folder = own; ; folder = posix.dirname(folder)) {
    const level = levelAt(folder, files, read);
    if (level !== null) levels.push(level);
    if (folder === mount.path || folder === '/') return levels;
  }
}

function levelAt(folder: string, files: Files, read: ReadText): CgroupMemory | null {
  const limitBytes = numberIn(read(`${folder}/${files.limit}`));
  const usageBytes = numberIn(read(`${folder}/${files.usage}`));
  if (limitBytes === null || usageBytes === null || limitBytes >= NO_LIMIT) return null;
  const statistics = new Map((read(`${folder}/memory.stat`) ?? '').split('\n').map((line): [string, number] => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])]));
  const reclaimable = files.reclaimable.reduce((sum, name) => sum + (statistics.get(name) ?? 0), 0);
  return { limitBytes, chargedBytes: Math.max(0, usageBytes - reclaimable) };
}

/** null for version 2's `max` and for a missing file. */
const numberIn = (text: string | null): number | null => {
  const trimmed = text?.trim() ?? '';
  return /^\d+$/.test(trimmed) ? Number(trimmed) : null;
};
