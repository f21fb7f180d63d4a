// The header's order of checks and limits (docs/format.md §4): nothing is derived, allocated or fetched before they pass.
import { describe, expect, jest, test } from '@jest/globals';
import { parseHeader } from '../../../core/envelope/prefix.ts';
import { codeOf, expectRefusal } from '../refusal.ts';
import { ENVELOPE_ID, OBJECT_ID, plaintext, sealKnown } from './known.ts';

jest.setTimeout(120_000); // pure computation, of much data: slow only where the machine is busy

const { object } = await sealKnown(plaintext(5), 65_536);
const good = object.subarray(0, 138);
type Change = (head: Buffer) => unknown;
const parsed = (...changes: readonly Change[]) => {
  const head = Buffer.from(good);
  for (const change of changes) change(head);
  return parseHeader(head, 'the object');
};

describe('a header', () => {
  test('says what was sealed', () => {
    expect(parsed()).toMatchObject({ kind: 'file', envelopeId: ENVELOPE_ID, objectId: OBJECT_ID, plaintextBytes: 5, segmentBytes: 65_536 });
  });

  /** In §4's order: each change is also checked together with all later ones, and must win. */
  const ordered: readonly (readonly [code: string, change: Change])[] = [
    ['E_BAD_MAGIC', (head) => head.write('ENCMODEL', 0)],
    ['E_UNSUPPORTED_VERSION', (head) => head.writeUInt8(2, 8)],
    ['E_UNSUPPORTED_KIND', (head) => head.writeUInt8(3, 9)],
    ['E_UNSUPPORTED_SUITE', (head) => head.writeUInt16BE(0x0101, 10)],
    ['E_UNKNOWN_CRITICAL_FLAG', (head) => head.writeUInt32BE(0x8000_0000, 12)],
    ['E_RESERVED_NONZERO', (head) => head.writeUInt8(1, 63)],
    ['E_LIMIT_SIZE', (head) => head.writeBigUInt64BE(2n ** 44n + 1n, 48)],
    ['E_UNSUPPORTED_PARAMS', (head) => head.writeUInt8(1, 65)],
    ['E_UNSUPPORTED_SEGMENT', (head) => head.writeUInt32BE(65_535 + 32, 66)],
  ];
  test.each(ordered)('is refused with %s', (code, change) => {
    expect(codeOf(() => parsed(change))).toBe(code);
  });
  test.each(ordered.map(([code], i) => [code, i] as const))('is refused with %s although everything after it is wrong too', (code, i) => {
    expect(codeOf(() => parsed(...ordered.slice(i).map(([, change]) => change)))).toBe(code);
  });

  test('is refused for every other value of magic, version, kind, suite, flags and reserved bytes', () => {
    const expected: Record<number, string> = { 8: 'E_UNSUPPORTED_VERSION', 9: 'E_UNSUPPORTED_KIND', 10: 'E_UNSUPPORTED_SUITE', 11: 'E_UNSUPPORTED_SUITE' };
    for (const at of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 56, 57, 58, 59, 60, 61, 62, 63]) {
      for (let value = 0; value < 256; value++) {
        if (value === good[at] || (at === 9 && value === 1)) continue;
        const code = codeOf(() => parsed((head) => head.writeUInt8(value, at)));
        expect(code).toBe(at < 8 ? 'E_BAD_MAGIC' : at >= 56 ? 'E_RESERVED_NONZERO' : (expected[at] ?? 'E_UNKNOWN_CRITICAL_FLAG'));
      }
    }
  });

  test.each([2n ** 44n + 1n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n])('of %s plaintext bytes is E_LIMIT_SIZE', (n) => {
    expectRefusal('E_LIMIT_SIZE', () => parsed((head) => head.writeBigUInt64BE(n, 48)));
  });
  test('of 2^44 plaintext bytes is read exactly', () => {
    expect(parsed((head) => head.writeBigUInt64BE(2n ** 44n, 48)).plaintextBytes).toBe(2 ** 44);
  });

  test.each([0, 31, 32, 33, 64 + 32, 32_768 + 32, 65_536, 65_536 + 31, 3 * 65_536 + 32, 2 ** 24 + 32, 0xffff_ffff])('with stored segments of %i bytes is E_UNSUPPORTED_SEGMENT', (bytes) => {
    expectRefusal('E_UNSUPPORTED_SEGMENT', () => parsed((head) => head.writeUInt32BE(bytes, 66)));
  });
  test.each([65_536, 131_072, 2 ** 20, 2 ** 23])('with segments of %i bytes is read', (bytes) => {
    expect(parsed((head) => head.writeUInt32BE(bytes + 32, 66)).segmentBytes).toBe(bytes);
  });

  test.each([[64, 1], [65, 1], [73, 31], [73, 33], [70, 1]])('with byte %i of PARAMS set to %i is E_UNSUPPORTED_PARAMS', (at, value) => {
    expectRefusal('E_UNSUPPORTED_PARAMS', () => parsed((head) => head.writeUInt8(value, at)));
  });

  test('shorter than 138 bytes is E_TRUNCATED, whatever it holds', () => {
    for (let length = 0; length < 138; length++) expectRefusal('E_TRUNCATED', () => parseHeader(good.subarray(0, length), 'the object'));
  });
});
