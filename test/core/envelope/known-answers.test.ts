// docs/format.md §4 and §6: what any implementation must compute.
import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { nodeEngine } from '../../../core/engine/node.ts';
import { canonicalContext, encryptionContext } from '../../../core/envelope/context.ts';
import { FloeKeys, floeParams } from '../../../core/envelope/floe.ts';
import { openLineage } from '../../../core/envelope/lineage.ts';
import { openObject } from '../../../core/envelope/open.ts';
import { objectBytes } from '../../../core/envelope/plan.ts';
import { encodePrefix } from '../../../core/envelope/prefix.ts';
import { openSegment, sealSegment } from '../../../core/envelope/segment.ts';
import { expectRefusal } from '../refusal.ts';
import { BODY_KEY, COMMITMENT, dek, ENVELOPE_ID, lineage, OBJECT_ID, plaintext, run, sealKnown } from './known.ts';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('a lineage', () => {
  test('derives the known body key from DEK and envelope id', () => {
    expect(lineage().bodyKey.bytes.toString('hex')).toBe(BODY_KEY);
  });
  test('refuses a DEK that the commitment does not name', () => {
    const other = dek();
    other.bytes.writeUInt8(1, 0);
    expectRefusal('E_KEY_COMMITMENT', () => openLineage(other, { envelopeId: ENVELOPE_ID, commitment: COMMITMENT }));
  });
  test('refuses the right DEK under another envelope id', () => {
    expectRefusal('E_KEY_COMMITMENT', () => openLineage(dek(), { envelopeId: OBJECT_ID, commitment: COMMITMENT }));
  });
});

describe('sealed objects', () => {
  test.each([
    [0, 64, 170, 'adf65995794427d08f45e255950d79ac73e27671c3341022f5a21be5024ecfc6'],
    [1, 64, 171, '93c4f934bd0fdb920c275f6489f90966f0990b93070d6a6cbc01bc581572d125'],
    [64, 64, 234, '21453fe2dcaaca3c5396379b518e816ac0391635d3990a2a013902c7d80a1c72'],
    [65, 64, 267, '80f995e8c69aaa1531b3b01891c171e10b30087a2358ece4b141a6046ae53ccd'],
    [150, 64, 384, 'dbc016de63e16d427297477c021e21c5f2cb99bcce802d4fa8853511d99a1851'],
    [3, 1_048_576, 173, 'a05dd063a129b5513ee8319df19ccc919ca4c0955e1b6810a69b89d56ecf6039'],
  ])('of %i bytes in segments of %i have %i bytes and the known digest', async (n, segment, bytes, digest) => {
    const { object } = await sealKnown(plaintext(n), segment);
    expect([object.length, sha256(object)]).toEqual([bytes, digest]);
  });

  test('of kind manifest have the known digest', async () => {
    const { object } = await sealKnown(Buffer.from('{}'), 1_048_576, 'manifest');
    expect([object.length, sha256(object)]).toEqual([172, '04b07274d514599775f548fdc139016a02d177b57eb644f7b342edfcf73178d4']);
  });
});

const ivOf = (index: number): Buffer => run((0xa0 + 16 * (1 + index)) & 0xff, 12);

describe('key epochs', () => {
  const layout = { plaintextBytes: 2 ** 36 + 1, segmentBytes: 65_536 };
  const keys = new FloeKeys({
    key: lineage().bodyKey,
    params: floeParams(layout.segmentBytes + 32),
    iv: run(0xa0, 32),
    aad: encodePrefix({ kind: 'file', envelopeId: ENVELOPE_ID, objectId: OBJECT_ID, plaintextBytes: layout.plaintextBytes }),
  });

  test('start at the known header tag and object length', () => {
    expect(objectBytes(layout)).toBe(68_753_031_339);
    expect(keys.tag.toString('hex')).toBe('d6469001b757fca57297972cb58ac360b2aed0a72b50d123112dc020e491cd36');
  });

  test.each([
    [0, '67cecd0aeef404633c863e82e47bd195cc29293bc5ed0373fb8090564e678546'],
    [2 ** 20 - 1, '67cecd0aeef404633c863e82e47bd195cc29293bc5ed0373fb8090564e678546'],
    [2 ** 20, '6a46da8142d8b2120e5410ee4ff95572b12f267d5ca1d0694a390875a2121479'],
  ])('give segment %i its key', (index, key) => {
    expect(keys.segmentKey(index).toString('hex')).toBe(key);
  });

  test('show in the stored segments on either side of the change', () => {
    const before = 2 ** 20 - 1;
    const wire = sealSegment(nodeEngine, keys, { index: before, last: false }, ivOf(before), run((0x10 + before * 65_536) & 0xff, 65_536));
    expect(sha256(wire)).toBe('6b6396f023fc846c31a596a5c80eac79b8fca8b050109595a42f0221716114b2');
    const last = Buffer.from('00000021b0b1b2b3b4b5b6b7b8b9babbeb066d9bce7b7c45c0ed3310fd431f873e', 'hex');
    expect(sealSegment(nodeEngine, keys, { index: 2 ** 20, last: true }, ivOf(2 ** 20), run(0x10, 1))).toEqual(last);
    expect(openSegment(nodeEngine, keys, { index: 2 ** 20, last: true }, last, 'the object')).toEqual(run(0x10, 1));
  });
});

describe('an object of 2^20 + 1 segments', () => {
  const plaintextBytes = 2 ** 36 + 1;
  const prefix = encodePrefix({ kind: 'file', envelopeId: ENVELOPE_ID, objectId: OBJECT_ID, plaintextBytes });
  const tag = 'd6469001b757fca57297972cb58ac360b2aed0a72b50d123112dc020e491cd36';
  const head = Buffer.concat([prefix, floeParams(65_536 + 32), run(0xa0, 32), Buffer.from(tag, 'hex')]);
  const expected = { kind: 'file', envelopeId: ENVELOPE_ID, objectId: OBJECT_ID, plaintextBytes, segmentBytes: 65_536, tag } as const;
  const last = Buffer.from('00000021b0b1b2b3b4b5b6b7b8b9babbeb066d9bce7b7c45c0ed3310fd431f873e', 'hex');

  test('opens at random on either side of the key epoch', () => {
    using opened = openObject({ head, objectBytes: 68_753_031_339, expect: expected, bodyKey: lineage().bodyKey, engine: nodeEngine, what: 'the object' });
    expect(opened.segments).toBe(2 ** 20 + 1);
    expect(opened.openSegment(2 ** 20, Buffer.from(last))).toEqual(run(0x10, 1));
    expectRefusal('E_SEGMENT_AUTH', () => opened.openSegment(2 ** 20 - 1, Buffer.alloc(65_536 + 32, 0xff)));
    expectRefusal('E_SEGMENT_FRAMING', () => opened.openSegment(2 ** 20 - 1, Buffer.from(last)));
    expect(() => opened.openSegment(2 ** 20 + 1, Buffer.from(last))).toThrow(RangeError);
  });
});

describe('the canonical context', () => {
  const id = { envelopeId: ENVELOPE_ID, commitment: COMMITMENT };
  test.each([
    [[], 177, '89e5e1a0dbf2c82f97a65184883217789689d102f1100167036ed62f3dc87b16'],
    [[['tenant', 'acme']], 191, 'e77bdec217d1bf5d8bf8a5cc237d49eb2b56826c8236a81558d5a1082761f69f'],
  ] as const)('with the pairs %j has the known bytes', (pairs, bytes, digest) => {
    const canonical = canonicalContext(encryptionContext(id, new Map(pairs)));
    expect([canonical.length, sha256(canonical)]).toEqual([bytes, digest]);
  });
  test('does not depend on the order of the pairs', () => {
    const pairs = [['b', '2'], ['a', '1'], ['a.b', '3']] as const;
    expect(canonicalContext(encryptionContext(id, new Map(pairs.toReversed())))).toEqual(canonicalContext(encryptionContext(id, new Map(pairs))));
  });
  test.each([[['weightlock:v', '1']], [['Tenant', 'x']], [['a', '']], [['a', 'x'.repeat(257)]], [['__proto__ ', 'x']]] as const)('refuses the pair %j', (pair) => {
    expectRefusal('E_SCHEMA', () => encryptionContext(id, new Map([pair])));
  });
  test('refuses a ninth pair', () => {
    expectRefusal('E_SCHEMA', () => encryptionContext(id, new Map(Array.from({ length: 9 }, (_, i) => [`k${i}`, 'v']))));
  });
});
