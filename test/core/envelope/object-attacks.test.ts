// What somebody who writes the bucket, or holds another object of the same key, tries on one object. Each is refused with the code that docs/format.md §4 names.
import { describe, expect, jest, test } from '@jest/globals';
import { nodeEngine } from '../../../core/engine/node.ts';
import { hkdf } from '../../../core/envelope/hkdf.ts';
import { openLineage } from '../../../core/envelope/lineage.ts';
import { openObject, type ObjectExpectation } from '../../../core/envelope/open.ts';
import { segmentPlan } from '../../../core/envelope/plan.ts';
import { SecretBytes } from '../../../core/secret-bytes.ts';
import { codeOf, expectRefusal } from '../refusal.ts';
import { COMMITMENT, ENVELOPE_ID, lineage, OBJECT_ID, plaintext, run, sealKnown, type SealedBytes } from './known.ts';

jest.setTimeout(120_000); // pure computation, of much data: slow only where the machine is busy

const S = 65_536;
const WIRE = S + 32;
const HEADER = 138;
const OTHER_ID = run(0x90, 16).toString('hex');

const aligned = await sealKnown(plaintext(3 * S), S);
const unaligned = await sealKnown(plaintext(2 * S + 100), S);
const tiny = await sealKnown(plaintext(5), S);
const empty = await sealKnown(plaintext(0), S);
const twin = await sealKnown(Buffer.alloc(3 * S, 7), S, 'file', OTHER_ID);

const { bodyKey } = lineage();
const open = (object: Buffer, expect: ObjectExpectation, key = bodyKey) => openObject({ head: object.subarray(0, HEADER), objectBytes: object.length, expect, bodyKey: key, engine: nodeEngine, what: 'the object' });

/** Reads all of it, as a reader would. */
function read(object: Buffer, expect: ObjectExpectation, key = bodyKey): Buffer {
  using opened = open(object, expect, key);
  const parts: Buffer[] = [];
  for (let index = 0; index < opened.segments; index++) {
    const { ciphertext } = segmentPlan(opened.layout, index);
    parts.push(opened.openSegment(index, Buffer.from(object.subarray(ciphertext.start, ciphertext.end))));
  }
  return Buffer.concat(parts);
}

const altered = (object: Buffer, change: (copy: Buffer) => void): Buffer => {
  const copy = Buffer.from(object);
  change(copy);
  return copy;
};
const segmentOf = (object: Buffer, index: number): Buffer => object.subarray(HEADER + index * WIRE, HEADER + (index + 1) * WIRE);
const joined = (object: Buffer, ...segments: readonly Buffer[]): Buffer => Buffer.concat([object.subarray(0, HEADER), ...segments]);
/** The same object, as somebody says it is who controls what the manifest would say: the raw object layer. */
const manifestSays = (object: Buffer, expect: SealedBytes['expect'], change: Partial<SealedBytes['expect']> = {}): ObjectExpectation => ({ ...expect, tag: object.toString('hex', 106, 138), ...change });

describe('untouched objects', () => {
  test.each([['aligned', aligned, 3 * S], ['unaligned', unaligned, 2 * S + 100], ['tiny', tiny, 5], ['empty', empty, 0]] as const)('%s open to what was sealed', (_, sealed, n) => {
    expect(read(sealed.object, sealed.expect)).toEqual(plaintext(n));
  });
});

describe('altered bytes', () => {
  test.each([['a small', tiny], ['an empty', empty]] as const)('every single bit of %s object, flipped, is refused', (_, { object, expect: said }) => {
    const codes = new Map<string, number>();
    for (let bit = 0; bit < object.length * 8; bit++) {
      const code = codeOf(() => read(altered(object, (copy) => copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)), said));
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    expect([...codes.keys()].every((code) => code.startsWith('E_') && code !== 'E_INTERNAL')).toBe(true);
    expect(codes.get('E_SEGMENT_FRAMING')).toBe(32);
    expect(codes.get('E_SEGMENT_AUTH')).toBe((object.length - HEADER - 4) * 8);
  });

  test('a flipped bit in each part of aligned and unaligned objects is refused', () => {
    for (const { object, expect: said } of [aligned, unaligned]) {
      for (const start of [HEADER, HEADER + WIRE, HEADER + 2 * WIRE]) {
        for (const [at, code] of [[0, 'E_SEGMENT_FRAMING'], [4, 'E_SEGMENT_AUTH'], [16, 'E_SEGMENT_AUTH'], [90, 'E_SEGMENT_AUTH']] as const) {
          expectRefusal(code, () => read(altered(object, (copy) => copy.writeUInt8(copy.readUInt8(start + at) ^ 1, start + at)), said));
        }
      }
    }
  });

  test('cut to any length, it is E_TRUNCATED', () => {
    for (let length = 0; length < tiny.object.length; length++) expectRefusal('E_TRUNCATED', () => read(tiny.object.subarray(0, length), tiny.expect));
    for (const length of [HEADER, HEADER + WIRE - 1, HEADER + WIRE, HEADER + 2 * WIRE, aligned.object.length - 1]) expectRefusal('E_TRUNCATED', () => read(aligned.object.subarray(0, length), aligned.expect));
  });

  test('with a byte or a whole valid segment after its end it is E_TRAILING_DATA', () => {
    expectRefusal('E_TRAILING_DATA', () => read(Buffer.concat([tiny.object, Buffer.of(0)]), tiny.expect));
    expectRefusal('E_TRAILING_DATA', () => read(joined(aligned.object, segmentOf(aligned.object, 0), segmentOf(aligned.object, 1), segmentOf(aligned.object, 2), segmentOf(aligned.object, 2)), aligned.expect));
  });

  test('an extra, empty last segment, which FLOE would take, is E_TRAILING_DATA', () => {
    expectRefusal('E_TRAILING_DATA', () => read(Buffer.concat([aligned.object, segmentOf(empty.object, 0)]), aligned.expect));
  });
});

describe('moved segments', () => {
  const [first, second, third] = [0, 1, 2].map((index) => segmentOf(aligned.object, index)) as [Buffer, Buffer, Buffer];
  test('two swapped are E_SEGMENT_AUTH', () => {
    expectRefusal('E_SEGMENT_AUTH', () => read(joined(aligned.object, second, first, third), aligned.expect));
  });
  test('one in the place of another is E_SEGMENT_AUTH', () => {
    expectRefusal('E_SEGMENT_AUTH', () => read(joined(aligned.object, first, first, third), aligned.expect));
  });
  test('the same index of another file under the same DEK is E_SEGMENT_AUTH', () => {
    for (const index of [0, 1, 2]) {
      const segments = [first, second, third].with(index, segmentOf(twin.object, index));
      expectRefusal('E_SEGMENT_AUTH', () => read(joined(aligned.object, ...segments), aligned.expect));
    }
  });
  test('dropping one from the middle is E_TRUNCATED', () => {
    expectRefusal('E_TRUNCATED', () => read(joined(aligned.object, first, third), aligned.expect));
  });
  test('dropping the last and patching the size is E_OBJECT_MISMATCH, and E_KEY_COMMITMENT where the manifest says the same', () => {
    const cut = altered(joined(aligned.object, first, second), (copy) => copy.writeBigUInt64BE(BigInt(2 * S), 48));
    expectRefusal('E_OBJECT_MISMATCH', () => read(cut, aligned.expect));
    expectRefusal('E_KEY_COMMITMENT', () => read(cut, manifestSays(cut, aligned.expect, { plaintextBytes: 2 * S })));
  });
  test('the last made to look like another, or another like the last, is refused by length word and by position', () => {
    const asMiddle = altered(third, (copy) => copy.writeUInt32BE(0xffff_ffff));
    const asLast = altered(second, (copy) => copy.writeUInt32BE(WIRE));
    expectRefusal('E_SEGMENT_FRAMING', () => read(joined(aligned.object, first, second, asMiddle), aligned.expect));
    expectRefusal('E_SEGMENT_FRAMING', () => read(joined(aligned.object, first, asLast, third), aligned.expect));
    expectRefusal('E_SEGMENT_AUTH', () => read(joined(aligned.object, first, asMiddle, third), aligned.expect));
    expectRefusal('E_SEGMENT_AUTH', () => read(joined(aligned.object, first, second, asLast), aligned.expect));
  });
  test('the header of one version with the body of the next is E_SEGMENT_AUTH', () => {
    const body = [0, 1, 2].map((index) => segmentOf(twin.object, index));
    expectRefusal('E_SEGMENT_AUTH', () => read(joined(aligned.object, ...body), aligned.expect));
  });
  test('a random-access read across a bad segment returns nothing of it, and the good ones still open', () => {
    const object = altered(aligned.object, (copy) => copy.writeUInt8(copy.readUInt8(HEADER + WIRE + 50) ^ 1, HEADER + WIRE + 50));
    using opened = open(object, aligned.expect);
    const wires = [0, 1, 2].map((index) => Buffer.from(segmentOf(object, index)));
    const results = wires.map((wire, index) => codeOf(() => opened.openSegment(index, wire)));
    expect(results).toEqual(['accepted', 'E_SEGMENT_AUTH', 'accepted']);
    expect(wires[1]?.includes(plaintext(64))).toBe(false);
  });
  test('a segment of another length than the plan says is E_SEGMENT_FRAMING', () => {
    using opened = open(unaligned.object, unaligned.expect);
    expectRefusal('E_SEGMENT_FRAMING', () => opened.openSegment(2, Buffer.from(segmentOf(unaligned.object, 1))));
    expectRefusal('E_SEGMENT_FRAMING', () => opened.openSegment(0, Buffer.alloc(0)));
    expectRefusal('E_SEGMENT_FRAMING', () => opened.openSegment(0, Buffer.from(segmentOf(unaligned.object, 0).subarray(0, -1))));
    expectRefusal('E_SEGMENT_FRAMING', () => opened.openSegment(0, Buffer.concat([segmentOf(unaligned.object, 0), Buffer.of(0)])));
  });
});

describe('replaced objects', () => {
  test('another of equal size is E_OBJECT_MISMATCH', () => {
    expectRefusal('E_OBJECT_MISMATCH', () => read(twin.object, aligned.expect));
  });
  test('another with its object id rewritten is E_OBJECT_MISMATCH, and E_KEY_COMMITMENT where the manifest names its tag', () => {
    const renamed = altered(twin.object, (copy) => copy.write(OBJECT_ID, 32, 'hex'));
    expectRefusal('E_OBJECT_MISMATCH', () => read(renamed, aligned.expect));
    expectRefusal('E_KEY_COMMITMENT', () => read(renamed, manifestSays(renamed, aligned.expect)));
  });
  test('one of this manifest with the tag of another is E_OBJECT_MISMATCH', () => {
    expectRefusal('E_OBJECT_MISMATCH', () => read(aligned.object, { ...aligned.expect, tag: twin.tag }));
  });
  test('another size or segment in the manifest than in the header is E_OBJECT_MISMATCH', () => {
    expectRefusal('E_OBJECT_MISMATCH', () => read(aligned.object, { ...aligned.expect, plaintextBytes: 3 * S - 1 }));
    expectRefusal('E_OBJECT_MISMATCH', () => read(aligned.object, { ...aligned.expect, segmentBytes: 2 * S }));
  });
  test('a manifest in a file\'s place and a file in the manifest\'s are E_OBJECT_MISMATCH', async () => {
    const manifest = await sealKnown(plaintext(5), S, 'manifest');
    expectRefusal('E_OBJECT_MISMATCH', () => read(manifest.object, manifestSays(manifest.object, tiny.expect)));
    expectRefusal('E_OBJECT_MISMATCH', () => read(tiny.object, { kind: 'manifest', envelopeId: ENVELOPE_ID, objectId: OBJECT_ID }));
  });
  test('one of another envelope is E_OBJECT_MISMATCH, and E_KEY_COMMITMENT where the manifest names that envelope', () => {
    const moved = altered(tiny.object, (copy) => copy.write(OTHER_ID, 16, 'hex'));
    expectRefusal('E_OBJECT_MISMATCH', () => read(moved, tiny.expect));
    expectRefusal('E_KEY_COMMITMENT', () => read(moved, { ...tiny.expect, envelopeId: OTHER_ID }));
  });
});

describe('wrong keys', () => {
  test('another body key is E_KEY_COMMITMENT before any segment is touched', () => {
    expectRefusal('E_KEY_COMMITMENT', () => open(tiny.object, tiny.expect, SecretBytes.take(Buffer.alloc(32, 9))));
  });
  test('an unwrapped key of 31 or 33 bytes is E_WRAP_MALFORMED before it is used', () => {
    for (const length of [0, 31, 33, 64]) expectRefusal('E_WRAP_MALFORMED', () => openLineage(SecretBytes.take(run(0, length)), { envelopeId: ENVELOPE_ID, commitment: COMMITMENT }));
  });
  test('a DEK planted together with its own commitment opens its lineage, and still no object of ours', () => {
    const planted = SecretBytes.take(Buffer.alloc(32, 3));
    const commitment = hkdf(planted, Buffer.from(ENVELOPE_ID, 'hex'), Buffer.from('weightlock/v1 commit'), 32).toString('hex');
    const theirs = openLineage(planted, { envelopeId: ENVELOPE_ID, commitment });
    expectRefusal('E_KEY_COMMITMENT', () => read(tiny.object, tiny.expect, theirs.bodyKey));
  });
});
