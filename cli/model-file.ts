// Reads an EncryptedModel as `seal --emit` wrote it and people keep it in Git: the pins, the place and the allow-list of a reader.
import { readFile } from 'node:fs/promises';
import { parseAllDocuments, type Document } from 'yaml';
import type { ModelSource } from '../core/api/decryptor-config.ts';
import type { EncryptedModel } from '../core/api/encrypted-model.ts';
import { API_GROUP, API_VERSION, KIND, SEQUENCE_ANNOTATION } from '../core/api/names.ts';
import { needs, WeightlockError } from '../core/errors.ts';
import { digest, label, prefixedDigest } from '../core/envelope/members.ts';
import { bool, fit, integer, list, oneOf, record, text, texts, type Shape } from '../core/strict-json/shape.ts';
import type { JsonValue } from '../core/strict-json.ts';

const LIMIT_BYTES = 256 * 1024;

/** YAML knows fractions, strict JSON does not. */
const whole = (member: string, min: number, max?: number): Shape<number> => (value) => {
  const read = integer(min, max)(value);
  needs(Number.isSafeInteger(read), 'E_CONFIG', `${member} is ${read}, which is no whole number`, 'Take the file from Git again.');
  return read;
};

/** The members of crds/encryptedmodels.yaml, and the two that only the command line reads: source.file and keys[].localFile. Closed, so that a typo does not pass for a default. */
const specShape = record(
  {
    source: record({}, {
      s3: record({ bucket: text, prefix: text }, { region: text, endpoint: text, pathStyle: bool }),
      file: record({ path: text }),
    }),
    keys: list(record({}, { awsKms: record({ keyArn: text }, { region: text, endpoint: text }), localFile: record({ id: text }), context: texts }), 8),
    model: record({ name: label(), version: label() }),
    manifest: record({ digest: prefixedDigest, lineage: digest, bytes: whole('spec.manifest.bytes', 0), files: whole('spec.manifest.files', 1, 65_536) }),
  },
  {
    verify: record({}, { content: oneOf('Digest', 'Aead') }),
    files: record({}, { include: list(text, 64), exclude: list(text, 64) }),
    access: record({}, { serviceAccountNames: list(text, 32), awsRoleArn: text, secretRef: record({ name: text }), instanceRole: bool }),
    memory: record({}, { mode: oneOf('Init'), swap: oneOf('Refuse', 'Warn', 'Allow'), overheadBytes: whole('spec.memory.overheadBytes', 1) }),
  },
);

/** One entry of the allow-list. A local key's path is not in the file: it stays on the machine that has it. */
export type ModelKey = (
  | { readonly awsKms: { readonly keyArn: string; readonly region?: string; readonly endpoint?: string } }
  | { readonly localFile: { readonly id: string } }
) & { readonly context: Readonly<Record<string, string>> };

export interface ModelFile {
  /** As it was given, for messages. */
  readonly path: string;
  readonly name: string;
  readonly namespace: string | null;
  readonly source: ModelSource;
  readonly keys: readonly [ModelKey, ...ModelKey[]];
  readonly model: { readonly name: string; readonly version: string };
  /** Hex, without `sha256:`. */
  readonly digest: string;
  readonly lineage: string;
  /** Of what is selected. */
  readonly totals: { readonly files: number; readonly bytes: number };
  readonly content: 'Digest' | 'Aead';
  readonly patterns: { readonly include: readonly string[]; readonly exclude: readonly string[] };
  /** From the annotation that `seal` writes; null in a file made by hand. */
  readonly sequence: number | null;
  /** The object itself, for what admission would do with it. It may hold members that only the command line reads. */
  readonly object: EncryptedModel;
}

/** Throws E_IO, E_CONFIG. The file must hold exactly one EncryptedModel; documents of other kinds are passed over. */
export async function readModelFile(path: string): Promise<ModelFile> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new WeightlockError('E_IO', `cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`, { next: 'Name the file that `weightlock seal --emit` wrote. A store is given as a URL: s3://bucket/prefix or file:///dir.', cause: error });
  });
  needs(bytes.length <= LIMIT_BYTES, 'E_CONFIG', `${path} has ${bytes.length} bytes: too many for an EncryptedModel`, 'Name the file that `weightlock seal --emit` wrote.');
  return parseModelFile(bytes.toString('utf8'), path);
}

export function parseModelFile(yaml: string, path: string): ModelFile {
  const documents = parseAllDocuments(yaml, { strict: true, uniqueKeys: true });
  const broken = documents.flatMap((document) => document.errors)[0];
  needs(broken === undefined, 'E_CONFIG', `${path} is not YAML: ${broken?.message ?? ''}`, 'Correct it, or take it from Git again.');
  const models = documents.filter((document) => document.get('kind') === KIND);
  const [document] = models;
  needs(models.length === 1 && document !== undefined, 'E_CONFIG', `${path} holds ${models.length} objects of kind ${KIND} instead of one`, 'Name the file that `weightlock seal --emit` wrote.');
  needs(document.get('apiVersion') === `${API_GROUP}/${API_VERSION}`, 'E_CONFIG', `${path} has apiVersion ${String(document.get('apiVersion'))}; this program reads ${API_GROUP}/${API_VERSION}`, 'Use the Weightlock that wrote it.');
  const spec = fit(specShape, (plain(document, path, true) as ReadonlyMap<string, JsonValue>).get('spec') ?? null, `${path}, spec`, 'E_CONFIG');
  const { s3, file } = spec.source;
  needs((s3 === undefined) !== (file === undefined), 'E_CONFIG', `${path}, spec.source needs exactly one of s3 and file`, 'Take it from Git again.');
  const object = plain(document, path, false) as EncryptedModel;
  const keys = spec.keys.map((entry, i): ModelKey => {
    const { awsKms, localFile, context } = entry;
    const pairs = { context: Object.fromEntries(context ?? new Map<string, string>()) };
    if (awsKms !== undefined && localFile === undefined) return { awsKms, ...pairs };
    if (localFile !== undefined && awsKms === undefined) return { localFile, ...pairs };
    throw new WeightlockError('E_CONFIG', `${path}, spec.keys[${i}] needs exactly one of awsKms and localFile`, { next: 'Take it from Git again.' });
  });
  const [first, ...rest] = keys;
  needs(first !== undefined, 'E_CONFIG', `${path}, spec.keys is empty`, 'Take it from Git again.');
  return {
    path,
    name: fit(text, (object.metadata?.name ?? null) as JsonValue, `${path}, metadata.name`, 'E_CONFIG'),
    namespace: object.metadata.namespace ?? null,
    source: s3 === undefined ? { file: file as { path: string } } : { s3 },
    keys: [first, ...rest],
    model: spec.model,
    digest: spec.manifest.digest.slice('sha256:'.length),
    lineage: spec.manifest.lineage,
    totals: { files: spec.manifest.files, bytes: spec.manifest.bytes },
    content: spec.verify?.content ?? 'Digest',
    patterns: { include: spec.files?.include ?? [], exclude: spec.files?.exclude ?? [] },
    sequence: sequenceOf(object, path),
    object,
  };
}

/** Few aliases have a place in such a file; a billion laughs have none. */
function plain(document: Document.Parsed, path: string, mapAsMap: boolean): unknown {
  try {
    return document.toJS({ mapAsMap, maxAliasCount: 20 });
  } catch (error) {
    throw new WeightlockError('E_CONFIG', `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { next: 'Take it from Git again.', cause: error });
  }
}

const sequenceShape: Shape<string> = (value) => {
  const written = text(value);
  needs(/^[1-9][0-9]{0,15}$/.test(written) && Number.isSafeInteger(Number(written)), 'E_CONFIG', `the annotation ${SEQUENCE_ANNOTATION} is ${JSON.stringify(written)}, not a number from 1 on`, 'Take the file from Git again.');
  return written;
};

function sequenceOf(object: EncryptedModel, path: string): number | null {
  const written = object.metadata.annotations?.[SEQUENCE_ANNOTATION];
  return written === undefined ? null : Number(fit(sequenceShape, written, path, 'E_CONFIG'));
}
