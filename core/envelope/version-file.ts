// versions/<manifest sha256>.json and latest.json: where a reader starts. Candidates, never trusted (docs/format.md §2, §6).
import { parseStrictJson } from '../strict-json.ts';
import { fit, integer, list, oneOf, record, type Shape, type Shaped } from '../strict-json/shape.ts';
import { needs } from '../errors.ts';
import { HEADER_BYTES, MAX_MANIFEST_BYTES, MAX_SIGNATURES, MAX_SMALL_FILE_BYTES, MIN_SEGMENT_BYTES, SEGMENT_OVERHEAD_BYTES } from './limits.ts';
import { digest, id, suite, totals } from './members.ts';
import { objectBytes } from './plan.ts';

const VERSION_FORMAT = 'weightlock.version/1.0';
const LATEST_FORMAT = 'weightlock.latest/1.0';
/** The longest manifest object: 64 MiB in the smallest segments. */
const MAX_MANIFEST_OBJECT_BYTES = objectBytes({ plaintextBytes: MAX_MANIFEST_BYTES, segmentBytes: MIN_SEGMENT_BYTES });

/** Length of the whole manifest object. */
const manifestObjectBytes: Shape<number> = (value) => {
  const bytes = integer(HEADER_BYTES + SEGMENT_OVERHEAD_BYTES)(value);
  needs(bytes <= MAX_MANIFEST_OBJECT_BYTES, 'E_LIMIT_MANIFEST', `the manifest object is said to have ${bytes} bytes; the limit is ${MAX_MANIFEST_OBJECT_BYTES}`);
  return bytes;
};

const versionShape = record({
  format: oneOf(VERSION_FORMAT),
  suite,
  envelopeId: id,
  commitment: digest,
  manifest: record({ object: id, bytes: manifestObjectBytes }),
  /** A hint for sizing, proven by the manifest. */
  totals,
  /** SHA-256 of the signature bundles, hex. */
  signatures: list(digest, MAX_SIGNATURES),
});
export type VersionFile = Shaped<typeof versionShape>;

const latestShape = record({ format: oneOf(LATEST_FORMAT), version: digest, sequence: integer(1) });
/** A convenience for people and publishers: the newest version's manifest digest and sequence. */
export type LatestFile = Shaped<typeof latestShape>;

/** Throws E_LIMIT_*, E_JSON_*, E_SCHEMA, E_UNSUPPORTED_SUITE. `what` names the file in messages. */
export const parseVersionFile = (bytes: Uint8Array, what: string): VersionFile => fit(versionShape, parseStrictJson(bytes, what, MAX_SMALL_FILE_BYTES), what);
export const parseLatestFile = (bytes: Uint8Array, what: string): LatestFile => fit(latestShape, parseStrictJson(bytes, what, MAX_SMALL_FILE_BYTES), what);

/** The file's bytes. What the parser would refuse is refused here. */
export function serializeVersionFile(version: Omit<VersionFile, 'format'>): Buffer {
  const { suite, envelopeId, commitment, manifest, totals, signatures } = version;
  const bytes = Buffer.from(`${JSON.stringify({ format: VERSION_FORMAT, suite, envelopeId, commitment, manifest, totals, signatures }, null, 2)}\n`);
  parseVersionFile(bytes, 'the version file to be written');
  return bytes;
}

export function serializeLatestFile({ version, sequence }: Omit<LatestFile, 'format'>): Buffer {
  const bytes = Buffer.from(`${JSON.stringify({ format: LATEST_FORMAT, version, sequence })}\n`);
  parseLatestFile(bytes, 'the latest.json to be written');
  return bytes;
}
