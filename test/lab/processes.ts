// The server's process as the node sees it: what a root user of the node could look at, and the demo does.
import { readFileSync, readdirSync } from 'node:fs';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it ended meanwhile
  }
}

/** Process id (of this machine) of the program in `podUid`'s pod whose command line holds `word`. */
export function processOf(podUid: string, word: string): number | undefined {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => read(`/proc/${pid}/cgroup`).includes(podUid) && read(`/proc/${pid}/cmdline`).includes(word));
}

/** The mount at `path` inside that process, as /proc/mounts shows it. */
export const mountOf = (pid: number, path: string): string =>
  read(`/proc/${pid}/mounts`)
    .split('\n')
    .find((line) => line.split(' ')[1] === path) ?? '';
