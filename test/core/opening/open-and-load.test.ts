// The order of opening on a real store, a real key and a real tmpfs: what is accepted arrives whole, and every refusal names its code.
import { copyFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createLocalKey } from '../../../core/keys/local-file.ts';
import { loadFiles } from '../../../core/opening/load-files.ts';
import { openModelRoot } from '../../../core/opening/model-root.ts';
import { openModel } from '../../../core/opening/open-model.ts';
import { NOWHERE } from '../../../core/opening/plaintext-target.ts';
import type { ReaderPolicy } from '../../../core/opening/policy.ts';
import { expectRejection } from '../refusal.ts';
import { scratch, type Scratch } from './scratch.ts';
import {
  allowed, content, damage, FILES, fileOf, flip, forgeManifest, forgeManifestText, NEVER, NOW, policyOf, readerOf, reencryptUnderSameHeader, sealFolder, sealInto,
  type Sealed,
} from './sealed.ts';

const observer = { verified: () => {}, fileDone: () => {}, retrying: () => {} };
/** Opens and verifies everything, writing nothing. Resolves with the code of the refusal, or `accepted`. */
async function verdict(sealed: Sealed, changes: Partial<ReaderPolicy> = {}, keys = allowed(sealed.keyPath)): Promise<string> {
  const policy = policyOf(sealed, changes);
  try {
    using model = await openModel(policy, readerOf(sealed), await keys, NEVER);
    await loadFiles(model, readerOf(sealed), NOWHERE, { content: policy.content, connections: 4, observer }, NEVER);
    return 'accepted';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

let place: Scratch;
let pristine: Sealed;
beforeAll(async () => {
  place = scratch();
  pristine = await sealInto(place.path);
});
afterAll(() => place[Symbol.dispose]());
afterEach(() => rmSync(join(place.path, 'copy'), { recursive: true, force: true }));

/** The same model in a store of its own, to be damaged. */
function copy(): Sealed {
  const folder = join(place.path, 'copy');
  cpSync(pristine.folder, folder, { recursive: true });
  return { ...pristine, folder };
}
const MODEL = 'model-00001-of-00002.safetensors';
const objectOf = (sealed: Sealed, path = MODEL): string => `objects/${fileOf(sealed, path).object}`;
const versionOf = (sealed: Sealed): string => `versions/${sealed.digest}.json`;
const envelopeOf = (sealed: Sealed): string => `envelopes/${sealed.envelopeId}.json`;
const manifestKeyOf = (sealed: Sealed): string => {
  const version = JSON.parse(readFileSync(join(sealed.folder, versionOf(sealed)), 'utf8')) as { manifest: { object: string } };
  return `objects/${version.manifest.object}`;
};
const edit = (change: (json: Record<string, unknown>) => void) => (bytes: Buffer): Buffer => {
  const json = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  change(json);
  return Buffer.from(JSON.stringify(json));
};

describe('a sealed model', () => {
  const WAYS = [['blake3', 'Digest', 1], ['blake3', 'Digest', 16], ['sha256', 'Digest', 3], ['blake3', 'Aead', 3]] as const;
  test.each(WAYS)('comes out as it went in: %s, %s, %d connections', async (hash, check, connections) => {
    using own = scratch();
    using to = scratch();
    const sealed = await sealInto(own.path, FILES, hash);
    using model = await openModel(policyOf(sealed), readerOf(sealed), await allowed(sealed.keyPath), NEVER);
    const root = await openModelRoot(to.path);
    const target = root.stage(model.selected.map(({ path }) => path));
    let bytes = 0;
    const done: string[] = [];
    const counting = { ...observer, verified: (more: number) => { bytes += more; }, fileDone: (path: string) => done.push(path) };
    await loadFiles(model, readerOf(sealed), target, { content: check, connections, observer: counting }, NEVER);
    root.publish({ digest: model.digest, patterns: { include: [], exclude: [] }, content: check });
    await root.close();
    for (const [path, expected] of FILES) expect(readFileSync(join(to.path, 'model', path)).equals(expected)).toBe(true);
    expect(bytes).toBe(sealed.totals.bytes);
    expect(done.sort()).toEqual([...FILES.keys()].sort());
  });

  test('says by what it was identified and with which key', async () => {
    const keys = await allowed(pristine.keyPath);
    using byDigest = await openModel(policyOf(pristine), readerOf(pristine), keys, NEVER);
    expect(byDigest).toMatchObject({ pinnedBy: 'digest', digest: pristine.digest, unwrapped: { provider: 'local-file', key: pristine.keyId, requestId: null, at: '2026-11-23T04:00:00Z' } });
    const { lineage, name, content: check, files, now } = policyOf(pristine);
    using byLineage = await openModel({ lineage: lineage ?? '', content: check, files, now }, readerOf(pristine), keys, NEVER);
    expect(byLineage.pinnedBy).toBe('lineage');
    using byName = await openModel({ name: name ?? '', content: check, files, now }, readerOf(pristine), keys, NEVER);
    expect(byName.pinnedBy).toBe('name');
  });

  test('leaves no usable key when it is destroyed', async () => {
    const model = await openModel(policyOf(pristine), readerOf(pristine), await allowed(pristine.keyPath), NEVER);
    const live = model.lineage.bodyKey.bytes;
    model.destroy();
    expect(live.every((byte) => byte === 0)).toBe(true);
    expect(() => model.lineage.bodyKey.bytes).toThrow();
  });
});

describe('a reader\'s policy', () => {
  test('without digest, lineage and name is E_POLICY_IDENTITY_REQUIRED, before anything is read', async () => {
    const { content: check, files, now } = policyOf(pristine);
    const nowhere = { ...pristine, folder: join(place.path, 'absent') };
    await expect(openModel({ content: check, files, now, version: '1.0' }, readerOf(nowhere), await allowed(pristine.keyPath), NEVER)).rejects.toMatchObject({ code: 'E_POLICY_IDENTITY_REQUIRED' });
  });
  test('without a key is E_POLICY_KEY', async () => {
    expect(await verdict(pristine, {}, Promise.resolve([]))).toBe('E_POLICY_KEY');
  });
  test.each([
    ['another name', 'E_IDENTITY_MISMATCH', { name: 'acme/other' }],
    ['another version', 'E_IDENTITY_MISMATCH', { version: '2.0' }],
    ['a higher sequence (31)', 'E_ROLLBACK', { minSequence: 2 }],
    ['another lineage', 'E_LINEAGE_MISMATCH', { lineage: 'ab'.repeat(32) }],
    ['another digest', 'E_STORE_NOT_FOUND', { digest: 'ab'.repeat(32) }],
    ['other totals', 'E_TOTALS', { expected: { files: 1, bytes: 1 } }],
    ['patterns that match nothing', 'E_TOTALS', { files: { include: ['*.gguf'], exclude: [] } }],
  ])('that demands %s is %s', async (_what, code, changes) => {
    expect(await verdict(pristine, changes)).toBe(code);
  });
  test.each(['digest', 'lineage'] as const)('that denies the %s is E_REVOKED, before the key service is asked', async (pin) => {
    const calls: string[] = [];
    const asked = async (): Promise<never> => {
      calls.push('asked');
      throw new Error('asked');
    };
    const key = { provider: 'local-file', key: pristine.keyId, wrap: asked, unwrap: asked, close: () => {} } as const;
    expect(await verdict(pristine, { denied: [pristine[pin]] }, Promise.resolve([{ key, context: {} }]))).toBe('E_REVOKED');
    expect(calls).toEqual([]);
  });
  test('that chooses files verifies those only, and holds them to the stated sums', async () => {
    const sealed = copy();
    damage(sealed, objectOf(sealed), flip(-1));
    expect(await verdict(sealed)).toBe('E_SEGMENT_AUTH');
    const bytes = [...FILES].filter(([path]) => path.endsWith('.json')).reduce((sum, [, { length }]) => sum + length, 0);
    expect(await verdict(sealed, { files: { include: ['*.json'], exclude: [] }, expected: { files: 2, bytes } })).toBe('accepted');
  });
});

describe('attacks on the manifest and beside it', () => {
  test('32: an expired manifest is E_EXPIRED from its second on', async () => {
    const sealed = copy();
    const digest = await forgeManifest(sealed, (manifest) => ({ ...manifest, expires: '2026-11-23T04:00:00Z' }));
    expect(await verdict(sealed, { digest, now: () => NOW.getTime() / 1000 - 1 })).toBe('accepted');
    expect(await verdict(sealed, { digest })).toBe('E_EXPIRED');
  });
  test('34: a manifest that names objects of another lineage is E_OBJECT_MISMATCH', async () => {
    using other = scratch();
    const theirs = await sealInto(other.path, FILES);
    const sealed = copy();
    copyFileSync(join(theirs.folder, objectOf(theirs)), join(sealed.folder, objectOf(sealed)));
    expect(await verdict(sealed)).toBe('E_OBJECT_MISMATCH');
    copyFileSync(join(theirs.folder, objectOf(theirs)), join(sealed.folder, objectOf(theirs)));
    const digest = await forgeManifest(sealed, (manifest) => ({ ...manifest, files: manifest.files.map((file) => (file.path === MODEL ? { ...file, object: fileOf(theirs, MODEL).object } : file)) }));
    expect(await verdict(sealed, { digest })).toBe('E_OBJECT_MISMATCH');
  });
  test('34: version, envelope and manifest of different lineages are E_OBJECT_MISMATCH', async () => {
    using other = scratch();
    const theirs = await sealInto(other.path, new Map([['a', Buffer.from('a')]]));
    const sealed = copy();
    copyFileSync(join(theirs.folder, envelopeOf(theirs)), join(sealed.folder, envelopeOf(sealed)));
    expect(await verdict(sealed)).toBe('E_OBJECT_MISMATCH');
  });
  test.each([
    ['another commitment in the version', 'E_OBJECT_MISMATCH', (sealed: Sealed) => damage(sealed, versionOf(sealed), edit((json) => { json['commitment'] = '00'.repeat(32); })), 'all'],
    ['other totals in the version (37)', 'E_OBJECT_MISMATCH', (sealed: Sealed) => damage(sealed, versionOf(sealed), edit((json) => { json['totals'] = { files: 1, bytes: 2 }; })), 'all'],
    ['a flipped bit in the manifest object', 'E_OBJECT_MISMATCH', (sealed: Sealed) => damage(sealed, manifestKeyOf(sealed), flip(-20)), 'all'],
    ['a manifest object cut by one byte', 'E_TRUNCATED', (sealed: Sealed) => damage(sealed, manifestKeyOf(sealed), (bytes) => bytes.subarray(0, -1)), 'all'],
    ['a manifest object with a byte more', 'E_TRAILING_DATA', (sealed: Sealed) => damage(sealed, manifestKeyOf(sealed), (bytes) => Buffer.concat([bytes, Buffer.of(0)])), 'all'],
    ['a version that names a file as its manifest (15)', 'E_OBJECT_MISMATCH', (sealed: Sealed) => damage(sealed, versionOf(sealed), edit((json) => { json['manifest'] = { object: fileOf(sealed, 'config.json').object, bytes: 191 }; })), 'all'],
    ['a duplicate member in the version (48)', 'E_JSON_DUPLICATE', (sealed: Sealed) => damage(sealed, versionOf(sealed), (bytes) => Buffer.from(bytes.toString().replace('"suite"', '"suite": 1, "\\u0073uite"'))), 'all'],
    ['a version of 1 MiB of blanks (53)', 'E_LIMIT_SIZE', (sealed: Sealed) => damage(sealed, versionOf(sealed), (bytes) => Buffer.concat([bytes, Buffer.alloc(2 ** 20, ' ')])), 'all'],
    ['a latest.json that names another version, to a reader with a lineage pin', 'E_STORE_NOT_FOUND', (sealed: Sealed) => damage(sealed, 'latest.json', edit((json) => { json['version'] = 'ab'.repeat(32); })), 'lineage'],
  ])('%s: %s', async (_what, code, attack, pins) => {
    const sealed = copy();
    attack(sealed);
    const { digest, ...unpinned } = policyOf(sealed);
    const policy: ReaderPolicy = pins === 'lineage' || digest === undefined ? unpinned : { ...unpinned, digest };
    await expect(openModel(policy, readerOf(sealed), await allowed(sealed.keyPath), NEVER)).rejects.toMatchObject({ code });
  });
  test('36: an entry whose object is missing is E_STORE_NOT_FOUND', async () => {
    const sealed = copy();
    const digest = await forgeManifest(sealed, (manifest) => ({ ...manifest, files: manifest.files.map((file) => (file.path === MODEL ? { ...file, object: 'ee'.repeat(16) } : file)) }));
    expect(await verdict(sealed, { digest })).toBe('E_STORE_NOT_FOUND');
  });
  test('36: a file renamed by somebody without the key changes the manifest object: E_OBJECT_MISMATCH by the pin', async () => {
    const sealed = copy();
    const digest = await forgeManifest(sealed, (manifest) => ({ ...manifest, files: manifest.files.map((file) => (file.path === MODEL ? { ...file, path: 'model-00001-of-00002.safetensorz' } : file)) }));
    copyFileSync(join(sealed.folder, `versions/${digest}.json`), join(sealed.folder, versionOf(sealed)));
    expect(await verdict(sealed)).toBe('E_OBJECT_MISMATCH');
  });
  test.each([
    ['38: a size that is not the header\'s', 'E_OBJECT_MISMATCH', (file: { size: number; segment: number }) => ({ size: file.size + 1 })],
    ['38: a segment size that is not the header\'s', 'E_OBJECT_MISMATCH', () => ({ segment: 2 ** 19 })],
    ['39: the tag of another object', 'E_OBJECT_MISMATCH', () => ({ tag: pristine.manifest.files[0]?.tag ?? '' })],
  ])('%s is %s', async (_what, code, change) => {
    const sealed = copy();
    const digest = await forgeManifest(sealed, (manifest) => {
      const files = manifest.files.map((file) => (file.path === MODEL ? { ...file, ...change(file) } : file));
      return { ...manifest, files, totals: { ...manifest.totals, bytes: files.reduce((sum, { size }) => sum + size, 0) } };
    });
    expect(await verdict(sealed, { digest })).toBe(code);
  });
  test('40: shard digests in another order are E_DIGEST_MISMATCH, and not looked at when only AEAD is asked for', async () => {
    const sealed = copy();
    const digest = await forgeManifest(sealed, (manifest) => ({ ...manifest, files: manifest.files.map((file) => ({ ...file, shards: { ...file.shards, values: file.shards.values.toReversed() } })) }));
    expect(await verdict(sealed, { digest })).toBe('E_DIGEST_MISMATCH');
    expect(await verdict(sealed, { digest, content: 'Aead' })).toBe('accepted');
  });
  test('44: other content re-encrypted under the same header is E_DIGEST_MISMATCH; with AEAD alone it opens, which is why digests are the default', async () => {
    const sealed = copy();
    await reencryptUnderSameHeader(sealed, MODEL, content('forged', FILES.get(MODEL)?.length ?? 0));
    expect(await verdict(sealed)).toBe('E_DIGEST_MISMATCH');
    expect(await verdict(sealed, { content: 'Aead' })).toBe('accepted');
  });
  test.each([
    ['../outside', 'E_PATH_SYNTAX'],
    ['/etc/passwd', 'E_PATH_SYNTAX'],
    ['a/../../x', 'E_PATH_SYNTAX'],
    ['a//b', 'E_PATH_SYNTAX'],
    ['.staging/x', 'E_PATH_RESERVED'],
    ['.ready', 'E_PATH_RESERVED'],
    ['config.json/x', 'E_PATH_CONFLICT'],
    ['CONFIG.JSON', 'E_PATH_CONFLICT'],
    [`${'d/'.repeat(16)}x`, 'E_PATH_SYNTAX'],
    ['\u202egnp.json', 'E_PATH_SYNTAX'],
  ])('58, 59, 62, 63: a publisher with the key who names a file %s is refused with %s, before any file is asked for', async (path, code) => {
    const sealed = copy();
    const digest = await forgeManifestText(sealed, (text) => withPath(text, path));
    const store = readerOf(sealed);
    await expect(openModel(policyOf(sealed, { digest }), store, await allowed(sealed.keyPath), NEVER)).rejects.toMatchObject({ code });
  });
  test('45: an object replaced while it is being read is E_STORE_CHANGED', async () => {
    const sealed = copy();
    using model = await openModel(policyOf(sealed), readerOf(sealed), await allowed(sealed.keyPath), NEVER);
    const path = join(sealed.folder, objectOf(sealed));
    let seen = 0;
    const between = { ...observer, verified: (bytes: number) => {
      seen += bytes;
      if (seen === bytes) writeFileSync(path, readFileSync(path));
    } };
    await expect(loadFiles({ ...model, selected: [fileOf(sealed, MODEL)] }, readerOf(sealed), NOWHERE, { content: 'Digest', connections: 1, observer: between }, NEVER)).rejects.toMatchObject({ code: 'E_STORE_CHANGED' });
  });
  test('80d: another model\'s complete set under this prefix is E_IDENTITY_MISMATCH, to a reader that knows only the name', async () => {
    using other = scratch();
    await sealInto(other.path, new Map([['a', Buffer.from('a')]]));
    const theirs = await sealFolder(join(other.path, 'plain'), join(other.path, 'theirs'), pristine.keyPath, pristine.keyId, 'blake3', 'acme/other');
    const { content: check, files, now, name } = policyOf(theirs);
    await expect(openModel({ name: name ?? '', content: check, files, now }, readerOf(theirs), await allowed(theirs.keyPath), NEVER)).rejects.toMatchObject({ code: 'E_IDENTITY_MISMATCH' });
  });
});

describe('keys', () => {
  test('67: another key than the wrap\'s is E_NO_USABLE_WRAP, and never sent to it', async () => {
    const path = join(place.path, 'other.key');
    await createLocalKey(path);
    expect(await verdict(pristine, {}, allowed(path))).toBe('E_NO_USABLE_WRAP');
  });
  test('67: a wrap without the pairs that the policy demands is not tried', async () => {
    expect(await verdict(pristine, {}, allowed(pristine.keyPath, { tenant: 'other' }))).toBe('E_NO_USABLE_WRAP');
    expect(await verdict(pristine, {}, allowed(pristine.keyPath, { tenant: 'acme' }))).toBe('accepted');
  });
  test('67: a wrap whose context was altered does not unwrap', async () => {
    const sealed = copy();
    damage(sealed, envelopeOf(sealed), edit((json) => { json['wraps'] = (json['wraps'] as object[]).map((wrap) => ({ ...wrap, context: { tenant: 'acme', extra: 'x' } })); }));
    expect(await verdict(sealed)).toBe('E_KMS_CONTEXT');
  });
  test('28: a commitment patched in version and envelope alike is refused by the lineage pin', async () => {
    const sealed = copy();
    for (const key of [versionOf(sealed), envelopeOf(sealed)]) damage(sealed, key, edit((json) => { json['commitment'] = '00'.repeat(32); }));
    expect(await verdict(sealed)).toBe('E_LINEAGE_MISMATCH');
  });
  test('the lineage pin speaks before the manifest object does, as the order of opening says', async () => {
    const sealed = copy();
    rmSync(join(sealed.folder, manifestKeyOf(sealed)));
    expect([await verdict(sealed), await verdict(sealed, { lineage: '00'.repeat(32) })]).toEqual(['E_STORE_NOT_FOUND', 'E_LINEAGE_MISMATCH']);
  });
  test('an envelope that disagrees is read once more: once is overcome, twice is E_OBJECT_MISMATCH', async () => {
    for (const times of [1, 2]) {
      let left = times;
      const store = readerOf(pristine);
      const altered: typeof store = {
        url: store.url,
        openObject: (...request) => store.openObject(...request),
        list: (...request) => store.list(...request),
        close: () => store.close(),
        readSmall: async (...request) => {
          const read = await store.readSmall(...request);
          if (request[0] !== envelopeOf(pristine) || left-- <= 0) return read;
          return { ...read, bytes: edit((json) => { json['commitment'] = '00'.repeat(32); })(read.bytes) };
        },
      };
      const opening = openModel(policyOf(pristine), altered, await allowed(pristine.keyPath), NEVER).then((model) => model.destroy());
      await (times === 1 ? expect(opening).resolves.toBeUndefined() : expectRejection('E_OBJECT_MISMATCH', opening));
    }
  });
});

describe('weights', () => {
  test.each([
    ['a flipped bit in the last segment', 'E_SEGMENT_AUTH', flip(-1)],
    ['a flipped bit in the first segment', 'E_SEGMENT_AUTH', flip(200)],
    ['a flipped length word', 'E_SEGMENT_FRAMING', flip(138)],
    ['a flipped header tag', 'E_OBJECT_MISMATCH', flip(110)],
    ['another magic', 'E_BAD_MAGIC', flip(0)],
    ['an object cut in the middle', 'E_TRUNCATED', (bytes: Buffer) => bytes.subarray(0, 5_000_000)],
    ['an object cut inside its header', 'E_TRUNCATED', (bytes: Buffer) => bytes.subarray(0, 100)],
    ['an empty object', 'E_TRUNCATED', () => Buffer.alloc(0)],
    ['a byte more', 'E_TRAILING_DATA', (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(0)])],
    ['two segments swapped (4)', 'E_SEGMENT_AUTH', (bytes: Buffer) => swapSegments(bytes)],
  ])('with %s are %s', async (_what, code, change) => {
    const sealed = copy();
    damage(sealed, objectOf(sealed), change);
    expect(await verdict(sealed)).toBe(code);
  });
  test.each(['config.json', 'empty.txt', 'tokenizer/deep/vocab.json', 'model-00002-of-00002.safetensors'])('of one segment, whose ciphertext comes with the header, are held to the same: %s', async (path) => {
    const sealed = copy();
    damage(sealed, objectOf(sealed, path), flip(-1));
    expect(await verdict(sealed)).toBe('E_SEGMENT_AUTH');
  });
  test('11: whole objects of equal size swapped are E_OBJECT_MISMATCH', async () => {
    using own = scratch();
    const sealed = await sealInto(own.path, new Map([['a', content('a', 1000)], ['b', content('b', 1000)]]));
    const [a, b] = [objectOf(sealed, 'a'), objectOf(sealed, 'b')].map((key) => readFileSync(join(sealed.folder, key)));
    damage(sealed, objectOf(sealed, 'a'), () => b ?? Buffer.alloc(0));
    damage(sealed, objectOf(sealed, 'b'), () => a ?? Buffer.alloc(0));
    expect(await verdict(sealed)).toBe('E_OBJECT_MISMATCH');
  });
  test('that were refused leave nothing in the volume', async () => {
    using to = scratch();
    const sealed = copy();
    damage(sealed, objectOf(sealed), flip(-1));
    using model = await openModel(policyOf(sealed), readerOf(sealed), await allowed(sealed.keyPath), NEVER);
    const root = await openModelRoot(to.path);
    const target = root.stage(model.selected.map(({ path }) => path));
    await expect(loadFiles(model, readerOf(sealed), target, { content: 'Digest', connections: 4, observer }, NEVER)).rejects.toMatchObject({ code: 'E_SEGMENT_AUTH' });
    await root.close();
    expect(readdirSync(to.path)).toEqual([]);
  });
});

/** The manifest with one file renamed; still sorted, so that only the name is wrong. */
function withPath(text: string, path: string): string {
  const manifest = JSON.parse(text) as { files: { path: string }[] };
  const renamed = manifest.files.map((file, i) => (i === 1 ? { ...file, path } : file));
  return JSON.stringify({ ...manifest, files: renamed.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path))) });
}

const SEGMENT = 2 ** 20 + 32;
const swapSegments = (bytes: Buffer): Buffer => Buffer.concat([bytes.subarray(0, 138), bytes.subarray(138 + SEGMENT, 138 + 2 * SEGMENT), bytes.subarray(138, 138 + SEGMENT), bytes.subarray(138 + 2 * SEGMENT)]);
