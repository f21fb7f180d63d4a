// Pure arithmetic between plaintext sizes, segments, shards and byte ranges of one object (docs/format.md §4, §5). Exact up to 2^44.
import { HEADER_BYTES, SEGMENT_OVERHEAD_BYTES, SHARD_BYTES } from './limits.ts';
import type { ByteRange } from '../stores/store.ts';

/** One object's geometry: `plaintextBytes` = n, `segmentBytes` = S. */
export interface Layout {
  readonly plaintextBytes: number;
  readonly segmentBytes: number;
}

export interface SegmentPlan {
  readonly index: number;
  readonly last: boolean;
  /** Where its plaintext lies in the file. */
  readonly plaintext: ByteRange;
  /** Where it lies in the object. */
  readonly ciphertext: ByteRange;
}

/** One shard: up to 8 MiB of plaintext, a whole run of segments, fetched with one range request and digested in order. */
export interface ShardPlan {
  readonly index: number;
  readonly firstSegment: number;
  readonly segments: number;
  readonly plaintext: ByteRange;
  readonly ciphertext: ByteRange;
}

/** max(1, ceil(n / S)): an empty file still has one, empty, authenticated segment. */
export const segmentCount = ({ plaintextBytes, segmentBytes }: Layout): number => Math.max(1, Math.ceil(plaintextBytes / segmentBytes));

/** Length of the whole object. Anything else is rejected. */
export const objectBytes = (layout: Layout): number => HEADER_BYTES + layout.plaintextBytes + SEGMENT_OVERHEAD_BYTES * segmentCount(layout);

/** Number of digests of a file: 0 for an empty one. */
export const shardCount = (plaintextBytes: number): number => Math.ceil(plaintextBytes / SHARD_BYTES);

const segmentStart = (layout: Layout, index: number): number => HEADER_BYTES + index * (layout.segmentBytes + SEGMENT_OVERHEAD_BYTES);

/** Segment `index` (0 <= index < segmentCount). Whether it is the last is computed, never read from the wire. */
export function segmentPlan(layout: Layout, index: number): SegmentPlan {
  const count = segmentCount(layout);
  if (!Number.isSafeInteger(index) || index < 0 || index >= count) throw new RangeError(`segment ${index} of ${count}`);
  const start = index * layout.segmentBytes;
  const end = Math.min(start + layout.segmentBytes, layout.plaintextBytes);
  const from = segmentStart(layout, index);
  return { index, last: index === count - 1, plaintext: { start, end }, ciphertext: { start: from, end: from + (end - start) + SEGMENT_OVERHEAD_BYTES } };
}

/**
 * The run of segments under digest `index`. An empty file has no digests but one segment to authenticate: shard 0 is then that segment.
 */
export function shardPlan(layout: Layout, index: number): ShardPlan {
  const start = index * SHARD_BYTES;
  const end = Math.min(start + SHARD_BYTES, layout.plaintextBytes);
  const firstSegment = start / layout.segmentBytes;
  const segments = Math.max(1, Math.ceil((end - start) / layout.segmentBytes));
  const ciphertext = { start: segmentPlan(layout, firstSegment).ciphertext.start, end: segmentPlan(layout, firstSegment + segments - 1).ciphertext.end };
  return { index, firstSegment, segments, plaintext: { start, end }, ciphertext };
}

/** All shards in order: what a reader must fetch after the 138 header bytes. At least one, also for an empty file. */
export function* shardPlans(layout: Layout): Generator<ShardPlan> {
  const count = Math.max(1, shardCount(layout.plaintextBytes));
  for (let index = 0; index < count; index++) yield shardPlan(layout, index);
}
