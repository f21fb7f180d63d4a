// Whether pages of the target could be written to a swap device: then "never on a disk" would not hold (docs/memory-sizing).

export interface SwapFacts {
  /** Swap devices in use on this node. */
  readonly devices: readonly string[];
  /** The target's mount says `noswap` (tmpfs since Linux 6.4). */
  readonly noswap: boolean;
}

/** `read`: the text of a system file; null where it cannot be read. */
export function readSwap(target: string, read: (path: string) => string | null): SwapFacts {
  const devices = (read('/proc/swaps') ?? '')
    .split('\n')
    .slice(1)
    .flatMap((line) => line.split(/\s+/).slice(0, 1).filter((name) => name !== ''));
  return { devices, noswap: mountOptions(target, read('/proc/self/mounts') ?? '').includes('noswap') };
}

/** fstab(5): blanks and backslashes are written in octal. */
const unescape = (field: string): string => field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)));

/** Options of the mount that `path` lies on: the last one at or above it, for a later mount covers the earlier ones. */
function mountOptions(path: string, mounts: string): readonly string[] {
  const covering = mounts.split('\n').findLast((line) => {
    const point = unescape(line.split(' ')[1] ?? '');
    return point !== '' && (path === point || path.startsWith(point === '/' ? '/' : `${point}/`));
  });
  return covering?.split(' ')[3]?.split(',') ?? [];
}
