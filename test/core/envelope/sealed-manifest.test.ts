// The manifest object, and what somebody who once held the DEK can and cannot do with it (docs/format.md §5, §8).
import { createHash } from 'node:crypto';
import { describe, expect, jest, test } from '@jest/globals';
import { nodeEngine } from '../../../core/engine/node.ts';
import { FloeKeys } from '../../../core/envelope/floe.ts';
import { newLineage } from '../../../core/envelope/lineage.ts';
import { openObject } from '../../../core/envelope/open.ts';
import { parseHeader } from '../../../core/envelope/prefix.ts';
import { segmentPlan, shardCount } from '../../../core/envelope/plan.ts';
import { sealObject } from '../../../core/envelope/seal.ts';
import { openManifest, sealManifest } from '../../../core/envelope/sealed-manifest.ts';
import { sealSegment } from '../../../core/envelope/segment.ts';
import { checkShard, ShardDigests } from '../../../core/envelope/shards.ts';
import { chooseHash } from '../../../core/hash/choose.ts';
import type { Manifest } from '../../../core/envelope/manifest.ts';
import type { VersionFile } from '../../../core/envelope/version-file.ts';
import { codeOf, expectRefusal, expectRejection } from '../refusal.ts';
import { validManifest } from './manifests.ts';
import { pieces, plaintext, run } from './known.ts';

jest.setTimeout(120_000); // pure computation, of much data: slow only where the machine is busy

const lineage = newLineage();
const manifest: Manifest = { ...validManifest(), envelopeId: lineage.envelopeId };
const sealed = await sealManifest(manifest, lineage, nodeEngine);
const version: VersionFile = {
  format: 'weightlock.version/1.0', suite: 1, envelopeId: lineage.envelopeId, commitment: lineage.commitment,
  manifest: { object: sealed.objectId, bytes: sealed.bytes.length }, totals: manifest.totals, signatures: [],
};
const open = (bytes: Buffer, said = version, key = lineage.bodyKey): Manifest => openManifest(Buffer.from(bytes), said, key, nodeEngine);

describe('a sealed manifest', () => {
  test('opens to itself, under the digest of its bytes', () => {
    expect(open(sealed.bytes)).toEqual(manifest);
    expect(sealed.digest).toBe(createHash('sha256').update(sealed.bytes).digest('hex'));
  });
  test('is sealed under a new id every time', async () => {
    expect((await sealManifest(manifest, lineage, nodeEngine)).objectId).not.toBe(sealed.objectId);
  });
  test('shows no file name, model name or digest', () => {
    for (const text of ['a.bin', 'acme', 'manifest', manifest.files[0]?.shards.values[0] ?? '']) expect(sealed.bytes.includes(text)).toBe(false);
  });
  test('of another lineage, version or totals is refused', async () => {
    const theirs = newLineage();
    expectRefusal('E_KEY_COMMITMENT', () => open(sealed.bytes, version, theirs.bodyKey));
    expectRefusal('E_OBJECT_MISMATCH', () => open(sealed.bytes, { ...version, envelopeId: theirs.envelopeId }));
    expectRefusal('E_OBJECT_MISMATCH', () => open(sealed.bytes, { ...version, manifest: { ...version.manifest, object: '00'.repeat(16) } }));
    expectRefusal('E_OBJECT_MISMATCH', () => open(sealed.bytes, { ...version, manifest: { ...version.manifest, bytes: sealed.bytes.length + 1 } }));
    expectRefusal('E_OBJECT_MISMATCH', () => open(sealed.bytes, { ...version, totals: { files: 2, bytes: 1 } }));
    const crossed = await sealManifest({ ...manifest, envelopeId: theirs.envelopeId }, lineage, nodeEngine);
    expectRefusal('E_OBJECT_MISMATCH', () => open(crossed.bytes, { ...version, manifest: { object: crossed.objectId, bytes: crossed.bytes.length } }));
  });
  test('cut or lengthened is refused', () => {
    expectRefusal('E_TRUNCATED', () => open(sealed.bytes.subarray(0, -1)));
    expectRefusal('E_TRAILING_DATA', () => open(Buffer.concat([sealed.bytes, Buffer.of(0)])));
  });
  test('may span several segments', async () => {
    const many = Array.from({ length: 9000 }, (_, i) => ({ path: `f${String(i).padStart(5, '0')}`, size: 0, object: i.toString(16).padStart(32, '0'), segment: 1_048_576, tag: '00'.repeat(32), shards: { alg: 'blake3', size: 8_388_608, values: [] } } as const));
    const large: Manifest = { ...manifest, totals: { files: 9000, bytes: 0 }, files: many };
    const object = await sealManifest(large, lineage, nodeEngine);
    expect(object.bytes.length).toBeGreaterThan(1.5 * 2 ** 20);
    expect(open(object.bytes, { ...version, manifest: { object: object.objectId, bytes: object.bytes.length }, totals: large.totals })).toEqual(large);
  });
  test('that no reader would accept is never sealed', async () => {
    await expectRejection('E_TOTALS', sealManifest({ ...manifest, totals: { files: 1, bytes: 0 } }, lineage, nodeEngine));
  });
  test('whose object holds something other than a manifest is refused by what it holds', async () => {
    for (const [text, code] of [['[]', 'E_SCHEMA'], ['{"a":1,"a":1}', 'E_JSON_DUPLICATE'], ['{', 'E_JSON_SYNTAX']] as const) {
      const sealing = sealObject({ lineage, kind: 'manifest', plaintextBytes: text.length, plaintext: pieces(Buffer.from(text)), hasher: null, engine: nodeEngine });
      const parts: Buffer[] = [];
      for await (const part of sealing.ciphertext) parts.push(part);
      const object = Buffer.concat(parts);
      expectRefusal(code, () => open(object, { ...version, manifest: { object: sealing.objectId, bytes: object.length } }));
    }
  });
});

describe('somebody who holds the DEK', () => {
  test.each(['blake3', 'sha256'] as const)('re-encrypts other content under the same header: it authenticates, and its %s digest is E_DIGEST_MISMATCH', async (alg) => {
    const hash = await chooseHash(alg);
    const content = plaintext(3 * 2 ** 20);
    const sealing = sealObject({ lineage, kind: 'file', plaintextBytes: content.length, plaintext: pieces(content), hasher: await hash.hasher(), engine: nodeEngine });
    const parts: Buffer[] = [];
    for await (const part of sealing.ciphertext) parts.push(part);
    const [head = Buffer.alloc(0)] = parts;
    const shards = { alg, size: 8_388_608, values: sealing.shards() } as const;
    const expected = { kind: 'file', envelopeId: lineage.envelopeId, objectId: sealing.objectId, plaintextBytes: content.length, segmentBytes: sealing.segmentBytes, tag: sealing.tag } as const;

    const header = parseHeader(head, 'the object');
    const keys = new FloeKeys({ key: lineage.bodyKey, params: header.params, iv: header.iv, aad: header.prefix });
    const forged = Buffer.from(content.subarray(2 ** 20, 2 ** 21));
    forged.write('a backdoor', 77);
    parts[2] = sealSegment(nodeEngine, keys, { index: 1, last: false }, run(1, 12), forged);
    const object = Buffer.concat(parts);

    using opened = openObject({ head: object, objectBytes: object.length, expect: expected, bodyKey: lineage.bodyKey, engine: nodeEngine, what: 'a.bin' });
    const digests = new ShardDigests(await hash.hasher());
    for (let index = 0; index < opened.segments; index++) {
      const { ciphertext } = segmentPlan(opened.layout, index);
      digests.update(opened.openSegment(index, object.subarray(ciphertext.start, ciphertext.end)));
    }
    const [digest = ''] = digests.finish();
    expectRefusal('E_DIGEST_MISMATCH', () => checkShard(shards, 0, digest, 'a.bin'));
    expect(codeOf(() => checkShard(shards, 0, shards.values[0] ?? '', 'a.bin'))).toBe('accepted');
    expect(shardCount(content.length)).toBe(1);
  });
});
