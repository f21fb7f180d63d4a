// The sealed manifest, plaintext of the kind-1 object: the only place of file names, model name and plaintext digests (docs/format.md §5).
import { needs } from '../errors.ts';
import { parseStrictJson } from '../strict-json.ts';
import { fit, integer, list, nullable, oneOf, record, text, texts, type Shape, type Shaped } from '../strict-json/shape.ts';
import { MAX_ANNOTATIONS, MAX_ANNOTATION_BYTES, MAX_FILES, MAX_MANIFEST_BYTES, MAX_PLAINTEXT_BYTES, SHARD_BYTES, isSegmentSize } from './limits.ts';
import { digest, id, label, prefixedDigest, time, totals } from './members.ts';
import { checkPaths } from './paths.ts';
import { shardCount } from './plan.ts';

const MANIFEST_SCHEMA = 'weightlock.manifest/1.0';

const size: Shape<number> = (value) => {
  const bytes = integer(0)(value);
  needs(bytes <= MAX_PLAINTEXT_BYTES, 'E_LIMIT_SIZE', `the manifest names a file of ${bytes} bytes; the limit is 2^44`);
  return bytes;
};
const segment: Shape<number> = (value) => {
  const bytes = integer(0)(value);
  needs(isSegmentSize(bytes), 'E_UNSUPPORTED_SEGMENT', `the manifest names segments of ${bytes} bytes; accepted: powers of two from 64 KiB to 8 MiB`);
  return bytes;
};
const shards = record({ alg: oneOf('blake3', 'sha256'), size: oneOf(SHARD_BYTES), values: list(digest, shardCount(MAX_PLAINTEXT_BYTES)) });

const manifestShape = record({
  schema: oneOf(MANIFEST_SCHEMA),
  envelopeId: id,
  model: record({ name: label(), version: label() }),
  /** Continues across lineages, per model name. */
  sequence: integer(1),
  /** `sha256:` digest of the manifest object before this one; null only at sequence 1. */
  previous: nullable(prefixedDigest),
  created: time,
  expires: nullable(time),
  totals,
  files: list(record({ path: text, size, object: id, segment, tag: digest, shards }), MAX_FILES, 'E_LIMIT_FILES'),
  annotations: texts,
});
export type Manifest = Shaped<typeof manifestShape>;
export type ManifestFile = Manifest['files'][number];

/** Parses and checks everything a manifest alone can be held to. Throws E_LIMIT_*, E_JSON_*, E_SCHEMA, E_UNSUPPORTED_SEGMENT, E_PATH_*, E_TOTALS. */
export function parseManifest(bytes: Uint8Array): Manifest {
  needs(bytes.length <= MAX_MANIFEST_BYTES, 'E_LIMIT_MANIFEST', `the manifest has ${bytes.length} bytes; the limit is ${MAX_MANIFEST_BYTES}`);
  const manifest = fit(manifestShape, parseStrictJson(bytes, 'the manifest', MAX_MANIFEST_BYTES), 'the manifest');
  // §5: previous null only at the first
  needs(manifest.previous !== null || manifest.sequence === 1, 'E_SCHEMA', `the manifest has sequence ${manifest.sequence} but names no previous version`);
  checkAnnotations(manifest.annotations);
  checkFiles(manifest);
  return manifest;
}

/** The plaintext to seal. What the parser would refuse is refused here. `files` must be sorted by the UTF-8 bytes of the path. */
export function serializeManifest(manifest: Omit<Manifest, 'schema'>): Buffer {
  const { envelopeId, model, sequence, previous, created, expires, totals, files, annotations } = manifest;
  const bytes = Buffer.from(JSON.stringify({ schema: MANIFEST_SCHEMA, envelopeId, model, sequence, previous, created, expires, totals, files, annotations: Object.fromEntries(annotations) }));
  parseManifest(bytes);
  return bytes;
}

/** §5: <= 64 pairs, <= 4 KiB in all. */
function checkAnnotations(annotations: ReadonlyMap<string, string>): void {
  const bytes = [...annotations].reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  needs(annotations.size <= MAX_ANNOTATIONS && bytes <= MAX_ANNOTATION_BYTES, 'E_SCHEMA', `the manifest has ${annotations.size} annotations of ${bytes} bytes; the limits are ${MAX_ANNOTATIONS} and ${MAX_ANNOTATION_BYTES}`);
}

function checkFiles({ files, totals }: Manifest): void {
  checkPaths(files.map((file) => file.path));
  const objects = new Set<string>();
  let bytes = 0;
  let before = Buffer.alloc(0);
  for (const file of files) {
    // §5: sorted by UTF-8 bytes of the path (not JavaScript's order)
    const path = Buffer.from(file.path);
    needs(Buffer.compare(before, path) < 0, 'E_SCHEMA', `the manifest's files are not sorted: ${JSON.stringify(file.path)} comes too late`);
    before = path;
    // §5: object ids unique
    needs(!objects.has(file.object), 'E_SCHEMA', `two files of the manifest name the object ${file.object}`);
    objects.add(file.object);
    // §5: shard count = ceil(n / size)
    const expected = shardCount(file.size);
    needs(file.shards.values.length === expected, 'E_SCHEMA', `${JSON.stringify(file.path)} has ${file.shards.values.length} digests instead of ${expected}`);
    bytes += file.size; // 65,536 files of 2^44 bytes pass 2^53: then the sum is inexact, but far above any `totals` that strict JSON can carry
  }
  // §5: totals match (and so 1 <= files)
  needs(files.length === totals.files && bytes === totals.bytes, 'E_TOTALS', `the manifest claims ${totals.files} files of ${totals.bytes} bytes but lists ${files.length} of ${bytes}`);
}
