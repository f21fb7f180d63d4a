// A small model of a test's own: sealed into a folder under a local key, with what a reader needs to open it, and means to damage it.
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import type { AwsAccess } from '../../../core/aws/access.ts';
import { chooseEngine } from '../../../core/engine/choose.ts';
import { FloeKeys } from '../../../core/envelope/floe.ts';
import { HEADER_BYTES } from '../../../core/envelope/limits.ts';
import type { Lineage } from '../../../core/envelope/lineage.ts';
import { serializeManifest, type Manifest, type ManifestFile } from '../../../core/envelope/manifest.ts';
import { segmentCount, segmentPlan } from '../../../core/envelope/plan.ts';
import { parseHeader } from '../../../core/envelope/prefix.ts';
import { sealObject } from '../../../core/envelope/seal.ts';
import { sealSegment } from '../../../core/envelope/segment.ts';
import { openManifest, sealManifest } from '../../../core/envelope/sealed-manifest.ts';
import { serializeVersionFile, parseVersionFile } from '../../../core/envelope/version-file.ts';
import { parseEnvelopeFile } from '../../../core/envelope/envelope-file.ts';
import { createLocalKey } from '../../../core/keys/local-file.ts';
import { openKey } from '../../../core/keys/registry.ts';
import { unwrapLineage, type AllowedKey } from '../../../core/keys/unwrap.ts';
import type { ReaderPolicy } from '../../../core/opening/policy.ts';
import { scanFolder } from '../../../core/publishing/scan-folder.ts';
import { sealModel, type SealedModel } from '../../../core/publishing/seal-model.ts';
import { openStore, openStoreForWriting } from '../../../core/stores/registry.ts';
import type { StoreReader, StoreWriter } from '../../../core/stores/store.ts';

export const NO_AWS: AwsAccess = { credentials: { kind: 'anonymous' }, allowedEndpoints: [] };
export const NEVER = new AbortController().signal;
export const NAME = 'acme/tiny';
export const VERSION = '1.0';
export const NOW = new Date('2026-11-23T04:00:00Z');

/** Bytes that differ from file to file and from block to block. */
export function content(seed: string, bytes: number): Buffer {
  const out = Buffer.alloc(bytes);
  for (let at = 0, i = 0; at < bytes; at += 32, i++) createHash('sha256').update(`${seed} ${i}`).digest().copy(out, at);
  return out;
}

/** Every shape of file: two shards with an odd end, exactly one segment, small, empty, deep. */
export const FILES: ReadonlyMap<string, Buffer> = new Map([
  ['config.json', Buffer.from('{"hidden_size": 384}\n')],
  ['empty.txt', Buffer.alloc(0)],
  ['model-00001-of-00002.safetensors', content('one', 9 * 2 ** 20 + 12_345)],
  ['model-00002-of-00002.safetensors', content('two', 2 ** 20)],
  ['tokenizer/deep/vocab.json', content('vocab', 70_001)],
]);

export interface Sealed extends SealedModel {
  /** The store's folder. */
  readonly folder: string;
  readonly keyPath: string;
  readonly keyId: string;
  readonly manifest: Manifest;
}

/** Below `place`: plain/, store/ and a key. */
export async function sealInto(place: string, files: ReadonlyMap<string, Buffer> = FILES, hash: 'blake3' | 'sha256' = 'blake3'): Promise<Sealed> {
  const plain = join(place, 'plain');
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(plain, path)), { recursive: true });
    writeFileSync(join(plain, path), bytes);
  }
  const keyPath = join(place, 'local.key');
  const keyId = await createLocalKey(keyPath);
  return sealFolder(plain, join(place, 'store'), keyPath, keyId, hash);
}

const ignore = (): void => {};

export async function sealFolder(plain: string, folder: string, keyPath: string, keyId: string, hash: 'blake3' | 'sha256' = 'blake3', name = NAME): Promise<Sealed> {
  const key = await openKey({ localFile: { path: keyPath, id: keyId } }, NO_AWS);
  const store = openStoreForWriting({ file: { path: folder } }, NO_AWS, null);
  try {
    const observer = { sealed: ignore, fileDone: ignore, renumbered: ignore, leftBehind: ignore };
    const request = { folder: await scanFolder(plain, NEVER), store, recipients: [{ key, context: { tenant: 'acme' } }], model: { name, version: VERSION }, position: { kind: 'latest' }, hash, now: () => NOW, observer } as const;
    const sealed = await sealModel(request, NEVER);
    return { ...sealed, folder, keyPath, keyId, manifest: await manifestOf(folder, sealed.digest, keyPath) };
  } finally {
    key.close();
    store.close();
  }
}

/** The same files, object by object, into another store: the model stays the same. */
export async function copyTo(sealed: Sealed, store: StoreWriter): Promise<void> {
  for (const folder of ['objects', 'envelopes', 'versions']) {
    for (const name of readdirSync(join(sealed.folder, folder))) {
      const bytes = stored(sealed.folder, `${folder}/${name}`);
      await store.putStream(`${folder}/${name}`, bytes.length, Readable.from([bytes]), NEVER);
    }
  }
}

export const readerOf = (sealed: Pick<Sealed, 'folder'>): StoreReader => openStore({ file: { path: sealed.folder } }, NO_AWS);

export const allowed = async (keyPath: string, context: Readonly<Record<string, string>> = {}): Promise<AllowedKey[]> => [{ key: await openKey({ localFile: { path: keyPath } }, NO_AWS), context }];

/** Pins everything; `changes` go over it. */
export const policyOf = (sealed: Sealed, changes: Partial<ReaderPolicy> = {}): ReaderPolicy => ({
  digest: sealed.digest,
  lineage: sealed.lineage,
  name: NAME,
  version: VERSION,
  content: 'Digest',
  files: { include: [], exclude: [] },
  now: () => NOW.getTime() / 1000,
  ...changes,
});

const stored = (folder: string, key: string): Buffer => readFileSync(join(folder, key));

async function lineageOf({ folder, digest, keyPath }: Pick<Sealed, 'folder' | 'digest' | 'keyPath'>): Promise<Lineage> {
  const version = parseVersionFile(stored(folder, `versions/${digest}.json`), 'version');
  const { wraps } = parseEnvelopeFile(stored(folder, `envelopes/${version.envelopeId}.json`), 'envelope');
  return (await unwrapLineage(version, wraps, await allowed(keyPath), NEVER)).lineage;
}

async function manifestOf(folder: string, digest: string, keyPath: string): Promise<Manifest> {
  const version = parseVersionFile(stored(folder, `versions/${digest}.json`), 'version');
  const { bodyKey } = await lineageOf({ folder, digest, keyPath });
  return openManifest(stored(folder, `objects/${version.manifest.object}`), version, bodyKey, chooseEngine());
}

/** What somebody who holds the DEK and writes the bucket can do: another manifest, validly sealed, as a version of its own. Returns its digest. */
export async function forgeManifest(sealed: Sealed, change: (manifest: Manifest) => Manifest): Promise<string> {
  const manifest = change(sealed.manifest);
  const { objectId, bytes } = await sealManifest(manifest, await lineageOf(sealed), chooseEngine());
  return publishForged(sealed, objectId, bytes, manifest.totals);
}

/** The same for a manifest that our own writer would refuse to seal. */
export async function forgeManifestText(sealed: Sealed, change: (text: string) => string): Promise<string> {
  const text = Buffer.from(change(serializeManifest(sealed.manifest).toString('utf8')));
  const sealing = sealObject({ lineage: await lineageOf(sealed), kind: 'manifest', plaintextBytes: text.length, plaintext: Readable.from([text]), hasher: null, engine: chooseEngine() });
  const pieces: Buffer[] = [];
  for await (const piece of sealing.ciphertext) pieces.push(piece);
  return publishForged(sealed, sealing.objectId, Buffer.concat(pieces), sealed.totals);
}

function publishForged(sealed: Sealed, objectId: string, bytes: Buffer, totals: Manifest['totals']): string {
  const digest = createHash('sha256').update(bytes).digest('hex');
  const version = parseVersionFile(stored(sealed.folder, `versions/${sealed.digest}.json`), 'version');
  writeFileSync(join(sealed.folder, `objects/${objectId}`), bytes);
  writeFileSync(join(sealed.folder, `versions/${digest}.json`), serializeVersionFile({ ...version, manifest: { object: objectId, bytes: bytes.length }, totals }));
  return digest;
}

/** Attack 44: other content under the very header that the manifest names (same key, IV, params and tag). */
export async function reencryptUnderSameHeader(sealed: Sealed, path: string, plaintext: Buffer): Promise<void> {
  const engine = chooseEngine();
  const lineage = await lineageOf(sealed);
  const { object, segment } = fileOf(sealed, path);
  damage(sealed, `objects/${object}`, (bytes) => {
    const { params, iv, prefix } = parseHeader(bytes, path);
    const keys = new FloeKeys({ key: lineage.bodyKey, params, iv, aad: prefix });
    const layout = { plaintextBytes: plaintext.length, segmentBytes: segment };
    const segments = Array.from({ length: segmentCount(layout) }, (_, index) => segmentPlan(layout, index));
    return Buffer.concat([bytes.subarray(0, HEADER_BYTES), ...segments.map((plan) => sealSegment(engine, keys, plan, randomBytes(12), plaintext.subarray(plan.plaintext.start, plan.plaintext.end)))]);
  });
}

export function fileOf(sealed: Sealed, path: string): ManifestFile {
  const file = sealed.manifest.files.find((one) => one.path === path);
  if (file === undefined) throw new Error(`no ${path}`);
  return file;
}

/** Replaces a stored thing's bytes by what `change` makes of them. */
export function damage(sealed: Sealed, key: string, change: (bytes: Buffer) => Buffer): void {
  const path = join(sealed.folder, key);
  writeFileSync(path, change(readFileSync(path)));
}

export const flip = (at: number) => (bytes: Buffer): Buffer => {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at < 0 ? bytes.length + at : at) ^ 1, at < 0 ? bytes.length + at : at);
  return copy;
};
