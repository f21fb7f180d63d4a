// What must hold of this machine before a byte of plaintext exists (format.md §8 step 7): tmpfs, swap, room, no memory in core dumps.
import { readFileSync, writeFileSync } from 'node:fs';
import type { DecryptorConfig } from '../core/api/decryptor-config.ts';
import { needs } from '../core/errors.ts';
import type { ManifestFile } from '../core/envelope/manifest.ts';
import type { Logger } from '../core/log.ts';
import type { ModelRoot } from '../core/opening/model-root.ts';
import { readSwap } from '../core/opening/swap.ts';
import { readCgroupMemory, type ReadText } from './cgroup-memory.ts';
import { findRoom } from './room.ts';

export const readSystemText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // absent, or hidden from this container: the caller says what that means
  }
};

/** A core dump of this process holds no page of it (core(5), "Controlling which mappings are written"). False where /proc doesn't let us say so. */
export function keepMemoryOutOfCoreDumps(): boolean {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
    return true;
  } catch {
    return false;
  }
}

/** Throws E_NOT_TMPFS, E_SWAP. */
export function checkPlace(root: ModelRoot, { target, swap }: DecryptorConfig, log: Logger, read: ReadText): void {
  needs(
    root.onTmpfs || !target.requireTmpfs,
    'E_NOT_TMPFS',
    `${target.path} is not in memory: plaintext would be written to a disk`,
    'Mount an emptyDir with medium: Memory (or a tmpfs) there.',
  );
  const { devices, noswap } = readSwap(target.path, read);
  if (swap === 'Allow' || devices.length === 0 || noswap) return;
  const message = `this node swaps (${devices.join(', ')}) and ${target.path} is mounted without noswap: pages of the model could reach a disk`;
  needs(swap === 'Warn', 'E_SWAP', message, 'Turn swap off on the node, or use Kubernetes 1.31 with Linux 6.4, which mount memory volumes noswap.');
  log.warn(message, { code: 'E_SWAP' });
}

/** Throws E_NO_SPACE, E_MEMORY_LIMIT; says how many ranges may be in flight. */
export function checkRoom(root: ModelRoot, files: readonly ManifestFile[], read: ReadText): { readonly connections: number } {
  const folders = new Set(files.flatMap(({ path }) => [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index))));
  const memAvailable = /^MemAvailable:\s+(\d+) kB$/m.exec(read('/proc/meminfo') ?? '')?.[1];
  return findRoom({
    files,
    folders: folders.size + 1,
    volume: { path: root.path, ...root.space(), inMemory: root.onTmpfs },
    cgroup: readCgroupMemory(read),
    nodeAvailableBytes: memAvailable === undefined ? Number.MAX_SAFE_INTEGER : Number(memAvailable) * 1024,
  });
}
