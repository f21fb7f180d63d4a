import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { bytesOf, formatBytes, formatMillicores, millicoresOf, parseQuantity, roughBytes } from '../../../core/injection/quantity.ts';

describe('a quantity', () => {
  test.each<[string | number, bigint]>([
    ['0', 0n],
    ['16Gi', 17_179_869_184n],
    ['1.5Gi', 1_610_612_736n],
    ['129M', 129_000_000n],
    ['128974848', 128_974_848n],
    ['129e6', 129_000_000n],
    ['129E6', 129_000_000n],
    ['1E', 10n ** 18n],
    ['0.5', 1n],
    ['100m', 1n],
    ['.5Ki', 512n],
    ['5.', 5n],
    ['+1k', 1000n],
    ['1e-3', 1n],
    [1024, 1024n],
  ])('%s is %s bytes', (text, bytes) => {
    expect(bytesOf(text)).toBe(bytes);
  });

  test.each<[string, bigint]>([
    ['2', 2000n],
    ['500m', 500n],
    ['0.5', 500n],
    ['100u', 1n],
    ['1e-3', 1n],
    ['1.0001', 1001n],
  ])('%s is %s thousandths of a core', (text, milli) => {
    expect(millicoresOf(text)).toBe(milli);
  });

  test.each(['', '.', '-1', '1 Gi', '1gi', 'Gi', '1Kii', '0x10', '1e', '1e999', 'NaN', '9'.repeat(65), '١'])('%j is none', (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  });

  test('is exact far beyond floating point', () => {
    expect(bytesOf('9007199254740993')).toBe(9_007_199_254_740_993n);
  });
});

test('what is written is read back', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 60n), (value) => {
      expect(bytesOf(formatBytes(value))).toBe(value);
      expect(millicoresOf(formatMillicores(value))).toBe(value);
    }),
  );
});

test.each<[bigint, string]>([
  [0n, '0'],
  [1023n, '1023'],
  [1024n, '1Ki'],
  [16_551n * 1024n ** 2n, '16551Mi'],
  [20n * 1024n ** 3n, '20Gi'],
])('%s bytes are written %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test('for a sentence bytes are rounded up, so that a figure asked for suffices', () => {
  expect([roughBytes(43_124_785_152n), roughBytes(32n * 1024n ** 3n), roughBytes(1n)]).toEqual(['40.2Gi', '32Gi', '1']);
  fc.assert(fc.property(fc.bigInt(0n, 2n ** 60n), (value) => (bytesOf(roughBytes(value)) ?? -1n) >= value));
});
