// Every size and count that docs/format.md bounds (§2, §4-§6). A reader checks each before it allocates or loops.

const KIB = 1024;
const MIB = 1024 * KIB;

/** §4: PREFIX. */
export const PREFIX_BYTES = 64;
/** §4: PREFIX (64) + PARAMS (10) + FLOE IV (32) + header tag (32). */
export const HEADER_BYTES = 138;
/** §4: length word (4) + segment IV (12) + GCM tag (16). */
export const SEGMENT_OVERHEAD_BYTES = 32;
/** §4: largest plaintext of one object; far below 2^53, so all offsets are exact JavaScript numbers. */
export const MAX_PLAINTEXT_BYTES = 2 ** 44;
export const MIN_SEGMENT_BYTES = 64 * KIB;
const MAX_SEGMENT_BYTES = 8 * MIB;
/** §4: what writers use. */
export const WRITER_SEGMENT_BYTES = MIB;
/** §5: plaintext bytes under one digest; a multiple of every accepted segment size, so a shard is a whole run of segments. */
export const SHARD_BYTES = 8 * MIB;

export const MAX_MANIFEST_BYTES = 64 * MIB;
export const MAX_FILES = 65_536;
/** §2: versions/*.json, envelopes/*.json, latest.json. */
export const MAX_SMALL_FILE_BYTES = 256 * KIB;
export const MAX_WRAPS = 32;
export const MAX_WRAPPED_BYTES = 4 * KIB;
export const MAX_SIGNATURES = 8;
export const MAX_CONTEXT_PAIRS = 8;
export const MAX_ANNOTATIONS = 64;
export const MAX_ANNOTATION_BYTES = 4 * KIB;
/** §5, §6: model name and version, context values. */
export const MAX_NAME_BYTES = 256;

/** Whether a reader accepts segments of `bytes` plaintext bytes. */
export const isSegmentSize = (bytes: number): boolean =>
  bytes >= MIN_SEGMENT_BYTES && bytes <= MAX_SEGMENT_BYTES && Number.isInteger(Math.log2(bytes));
