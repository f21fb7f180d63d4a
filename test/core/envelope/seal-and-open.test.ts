// Sealing as a stream and opening at random: what went in comes out, or nothing does.
import { createHash } from 'node:crypto';
import { describe, expect, jest, test } from '@jest/globals';
import * as fc from 'fast-check';
import { nodeEngine } from '../../../core/engine/node.ts';
import { newLineage } from '../../../core/envelope/lineage.ts';
import { openObject, type ObjectExpectation } from '../../../core/envelope/open.ts';
import { segmentPlan } from '../../../core/envelope/plan.ts';
import { sealObject, sealObjectWith, type SealingObject } from '../../../core/envelope/seal.ts';
import { sha256Engine } from '../../../core/hash/sha256.ts';
import { codeOf, expectRejection } from '../refusal.ts';
import { knownRandomness, lineage as knownLineage, pieces, plaintext, sealKnown } from './known.ts';

jest.setTimeout(120_000); // pure computation, of much data: slow only where the machine is busy

const S = 65_536;
const SHARD = 8 * 2 ** 20;
const lineage = newLineage();

const drain = async (sealing: SealingObject): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for await (const part of sealing.ciphertext) parts.push(part);
  return Buffer.concat(parts);
};
const seal = async (content: Buffer, pieceBytes: number) =>
  sealObject({ lineage, kind: 'file', plaintextBytes: content.length, plaintext: pieces(content, pieceBytes), hasher: await sha256Engine.hasher(), engine: nodeEngine });

function read(object: Buffer, expect: ObjectExpectation): Buffer {
  using opened = openObject({ head: object, objectBytes: object.length, expect, bodyKey: lineage.bodyKey, engine: nodeEngine, what: 'the object' });
  const parts = Array.from({ length: opened.segments }, (_, index) => {
    const { ciphertext } = segmentPlan(opened.layout, index);
    return opened.openSegment(index, Buffer.from(object.subarray(ciphertext.start, ciphertext.end)));
  });
  return Buffer.concat(parts);
}
const expectationOf = (sealing: SealingObject, plaintextBytes: number): ObjectExpectation =>
  ({ kind: 'file', envelopeId: lineage.envelopeId, objectId: sealing.objectId, plaintextBytes, segmentBytes: sealing.segmentBytes, tag: sealing.tag });

describe('sealing', () => {
  test.each([[0, 1], [1, 1], [5, 2], [2 ** 20 - 1, 65_537], [2 ** 20, 2 ** 20], [2 ** 20 + 1, 999_983], [2 ** 21, 3 * 2 ** 20], [SHARD, 2 ** 19], [SHARD + 1, 2 ** 22]])('%i bytes, arriving %i at a time, open to themselves, their shards digested', async (n, pieceBytes) => {
    const content = plaintext(n);
    const sealing = await seal(content, pieceBytes);
    const object = await drain(sealing);
    expect(object.length).toBe(sealing.objectBytes);
    expect(read(object, expectationOf(sealing, n)).equals(content)).toBe(true);
    const digests = Array.from({ length: Math.ceil(n / SHARD) }, (_, i) => createHash('sha256').update(content.subarray(i * SHARD, (i + 1) * SHARD)).digest('hex'));
    expect(sealing.shards()).toEqual(digests);
  });

  test.each([63, 64, 65])('around %i segments the last one is the right one', async (segments) => {
    for (const n of [segments * S - 1, segments * S, segments * S + 1]) {
      const { object, expect: said } = await sealKnown(plaintext(n), S);
      const opener = openObject({ head: object, objectBytes: object.length, expect: said, bodyKey: knownLineage().bodyKey, engine: nodeEngine, what: 'the object' });
      const { ciphertext } = segmentPlan(opener.layout, opener.segments - 1);
      expect(opener.openSegment(opener.segments - 1, Buffer.from(object.subarray(ciphertext.start)))).toEqual(plaintext(n).subarray((opener.segments - 1) * S));
    }
  });

  test('draws a new id and new IVs for the same bytes', async () => {
    const [one, two] = [await seal(plaintext(100), 100), await seal(plaintext(100), 100)];
    expect(one.objectId).not.toBe(two.objectId);
    expect(one.tag).not.toBe(two.tag);
    expect((await drain(one)).subarray(138)).not.toEqual((await drain(two)).subarray(138));
  });

  test('draws one IV a segment from the randomness it is given, and never another', async () => {
    const drawn: number[] = [];
    const random = { ...knownRandomness(), iv: (bytes: number) => (drawn.push(bytes), Buffer.alloc(bytes, drawn.length)) };
    const sealing = sealObjectWith({ lineage, kind: 'file', plaintextBytes: 150, plaintext: pieces(plaintext(150)), hasher: null, engine: nodeEngine }, random, 64);
    const object = await drain(sealing);
    expect(drawn).toEqual([32, 12, 12, 12]);
    expect([object.subarray(142, 154), object.subarray(142 + 96, 154 + 96), object.subarray(142 + 192, 154 + 192)]).toEqual([2, 3, 4].map((byte) => Buffer.alloc(12, byte)));
  });

  test('refuses a source that is longer or shorter than announced, before the last segment leaves', async () => {
    for (const [announced, actual] of [[100, 99], [100, 101], [0, 1], [S, S + 1], [2 * S, S], [2 * S, 2 * S + 1], [1, 0]] as const) {
      const sealing = sealObjectWith({ lineage, kind: 'file', plaintextBytes: announced, plaintext: pieces(plaintext(actual)), hasher: null, engine: nodeEngine }, knownRandomness(), S);
      let left = 0;
      await expectRejection('E_SOURCE_CHANGED', (async () => {
        for await (const part of sealing.ciphertext) left += part.length;
      })());
      expect(left).toBeLessThan(sealing.objectBytes);
    }
  });

  test('passes the source\'s own failure on, and gives no digests then', async () => {
    const failing = (async function* () {
      yield plaintext(10);
      throw new Error('the disk is gone');
    })();
    const sealing = sealObject({ lineage, kind: 'file', plaintextBytes: 100, plaintext: failing, hasher: null, engine: nodeEngine });
    await expect(drain(sealing)).rejects.toThrow('the disk is gone');
    expect(codeOf(() => sealing.shards())).toBe('E_INTERNAL');
  });

  test('closes its source when the consumer stops early', async () => {
    let closed = false;
    const endless = (async function* () {
      try {
        for (;;) yield plaintext(S);
      } finally {
        closed = true;
      }
    })();
    const sealing = sealObjectWith({ lineage, kind: 'file', plaintextBytes: 2 ** 40, plaintext: endless, hasher: null, engine: nodeEngine }, knownRandomness(), S);
    let parts = 0;
    for await (const part of sealing.ciphertext) {
      expect(part.length).toBeLessThanOrEqual(S + 32);
      if (++parts === 5) break;
    }
    expect(closed).toBe(true);
  });

  test('refuses sizes beyond 2^44 and sizes that are none', () => {
    for (const plaintextBytes of [2 ** 44 + 1, -1, 1.5, Number.NaN]) {
      expect(codeOf(() => sealObject({ lineage, kind: 'file', plaintextBytes, plaintext: pieces(Buffer.alloc(0)), hasher: null, engine: nodeEngine }))).toBe('E_LIMIT_SIZE');
    }
  });
});

describe('any object', () => {
  const content = fc.uint8Array({ maxLength: 300_000, size: 'max' }).map((bytes) => Buffer.from(bytes));

  test('opens to what was sealed, whatever its size and its pieces', async () => {
    await fc.assert(fc.asyncProperty(content, fc.integer({ min: 1, max: 200_000 }), async (bytes, pieceBytes) => {
      const sealing = await seal(bytes, pieceBytes);
      const object = await drain(sealing);
      expect(read(object, expectationOf(sealing, bytes.length)).equals(bytes)).toBe(true);
    }), { numRuns: 40 });
  });

  test('however it is altered, opens to what was sealed or is refused by a code of format or tampering', async () => {
    const change = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), at: fc.nat(), value: fc.nat(255) }),
      fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), value: fc.nat(64) }),
      fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), value: fc.nat(255) }),
      fc.record({ kind: fc.constant('swap' as const), at: fc.nat(), value: fc.nat(255) }),
    );
    await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: 3 * S }), fc.array(change, { minLength: 1, maxLength: 4 }), async (n, changes) => {
      const { object, expect: said } = await sealKnown(plaintext(n), S);
      const altered = changes.reduce((bytes, { kind, at, value }) => {
        const place = bytes.length === 0 ? 0 : at % bytes.length;
        const before = bytes.subarray(0, place);
        const after = bytes.subarray(place);
        switch (kind) {
          case 'set':
            return Buffer.concat([before, Buffer.of(value), after.subarray(1)]);
          case 'cut':
            return Buffer.concat([before, after.subarray(value)]);
          case 'insert':
            return Buffer.concat([before, Buffer.of(value), after]);
          case 'swap':
            return Buffer.concat([after, before]);
        }
      }, object);
      const { bodyKey } = knownLineage();
      const outcome = codeOf(() => {
        using opened = openObject({ head: altered, objectBytes: altered.length, expect: said, bodyKey, engine: nodeEngine, what: 'the object' });
        for (let index = 0; index < opened.segments; index++) {
          const { ciphertext, plaintext: at } = segmentPlan(opened.layout, index);
          const bytes = opened.openSegment(index, Buffer.from(altered.subarray(ciphertext.start, ciphertext.end)));
          if (!bytes.equals(plaintext(n).subarray(at.start, at.end))) throw new Error('wrong bytes were returned');
        }
      });
      if (altered.equals(object)) expect(outcome).toBe('accepted');
      else expect(outcome).toMatch(/^E_(BAD_MAGIC|UNSUPPORTED_\w+|UNKNOWN_CRITICAL_FLAG|RESERVED_NONZERO|LIMIT_SIZE|KEY_COMMITMENT|OBJECT_MISMATCH|SEGMENT_FRAMING|SEGMENT_AUTH|TRUNCATED|TRAILING_DATA)$/);
    }), { numRuns: 150 });
  });
});
