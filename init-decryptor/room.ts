// Whether the model fits, before the first byte of weights: into the volume, and into the memory this container may use. Pure arithmetic.
import { needs } from '../core/errors.ts';
import type { CgroupMemory } from './cgroup-memory.ts';
import { asQuantity, inWords } from './sizes.ts';

const MIB = 2 ** 20;
/** Buffers per connection, in segments: the stored one, its plaintext, and one that waits to be collected. */
const SEGMENTS_A_CONNECTION = 3;
/** Decrypted segments that V8 has not collected yet: it starts to at 64 MiB of external memory. */
const UNCOLLECTED_BYTES = 96 * MIB;
/** Index nodes of the page cache, charged beside the pages: 0.2 % (docs/memory-sizing). */
const INDEX_SHARE = 0.002;
const MOST_CONNECTIONS = 16;
const FEWEST_CONNECTIONS = 2;

export interface RoomQuestion {
  readonly files: readonly { readonly size: number; readonly segment: number }[];
  readonly folders: number;
  /** The volume: statfs. `totalBytes` 0 = without a limit of its own. */
  readonly volume: { readonly path: string; readonly blockBytes: number; readonly freeBytes: number; readonly totalBytes: number; readonly inMemory: boolean };
  readonly cgroup: CgroupMemory | null;
  /** /proc/meminfo's MemAvailable: what bounds us where no cgroup does. */
  readonly nodeAvailableBytes: number;
}

/** Throws E_NO_SPACE or E_MEMORY_LIMIT, each with all its numbers; else says how many ranges may be in flight. */
export function findRoom({ files, folders, volume, cgroup, nodeAvailableBytes }: RoomQuestion): { readonly connections: number } {
  const pagesOf = (bytes: number): number => Math.ceil(bytes / volume.blockBytes) * volume.blockBytes;
  const modelBytes = files.reduce((sum, { size }) => sum + pagesOf(size), folders * volume.blockBytes);
  needs(
    volume.totalBytes === 0 || volume.freeBytes >= modelBytes,
    'E_NO_SPACE',
    `the model needs ${inWords(modelBytes)} in ${volume.path}, which has ${inWords(volume.freeBytes)} free of ${inWords(volume.totalBytes)}`,
    `Set the volume's sizeLimit to at least ${asQuantity(modelBytes + volume.totalBytes - volume.freeBytes)}.`,
  );
  const largestSegment = files.reduce((largest, { segment }) => Math.max(largest, segment), 0);
  const connectionBytes = SEGMENTS_A_CONNECTION * largestSegment;
  const heldBytes = volume.inMemory ? Math.ceil(modelBytes * (1 + INDEX_SHARE)) : 0;
  const needBytes = heldBytes + UNCOLLECTED_BYTES + FEWEST_CONNECTIONS * connectionBytes;
  const parts = `${inWords(heldBytes)} for the model and ${inWords(needBytes - heldBytes)} to load it`;
  if (cgroup === null) {
    needs(
      nodeAvailableBytes >= needBytes,
      'E_MEMORY_LIMIT',
      `the model needs ${inWords(needBytes)} of memory (${parts}); this machine has ${inWords(nodeAvailableBytes)} available`,
      'Free memory, or use a larger machine.',
    );
  } else {
    needs(
      cgroup.limitBytes - cgroup.chargedBytes >= needBytes,
      'E_MEMORY_LIMIT',
      `the model needs ${inWords(needBytes)} of memory (${parts}); this container has ${inWords(cgroup.limitBytes)}, of which ${inWords(cgroup.chargedBytes)} is already in use`,
      `Set this container's memory limit to at least ${asQuantity(needBytes + cgroup.chargedBytes)}.`,
    );
  }
  const availableBytes = cgroup === null ? nodeAvailableBytes : cgroup.limitBytes - cgroup.chargedBytes;
  const affordable = Math.floor((availableBytes - heldBytes - UNCOLLECTED_BYTES) / Math.max(1, connectionBytes));
  return { connections: Math.min(MOST_CONNECTIONS, Math.max(FEWEST_CONNECTIONS, affordable)) };
}
