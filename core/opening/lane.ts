// What one connection of the data path owns: a buffer for the segment on its way, reused from range to range, and its hashers.
import { WeightlockError } from '../errors.ts';
import { SEGMENT_OVERHEAD_BYTES } from '../envelope/limits.ts';
import type { DigestAlgorithm, HashEngine, Hasher } from '../hash/hasher.ts';

export interface Lane {
  /** Room for the largest stored segment of the selection. */
  readonly wire: Buffer;
  hasherOf(algorithm: DigestAlgorithm): Hasher;
}

/** `engines`: one for every digest algorithm that the selection uses; none where content digests are not checked. */
export async function createLane(largestSegmentBytes: number, engines: readonly HashEngine[]): Promise<Lane> {
  const hashers = new Map<DigestAlgorithm, Hasher>();
  for (const engine of engines) hashers.set(engine.algorithm, await engine.hasher());
  return {
    wire: Buffer.allocUnsafeSlow(largestSegmentBytes + SEGMENT_OVERHEAD_BYTES),
    hasherOf: (algorithm) => {
      const hasher = hashers.get(algorithm);
      if (hasher === undefined) throw new WeightlockError('E_INTERNAL', `no ${algorithm} hasher was made for this selection`);
      return hasher;
    },
  };
}
