// Wycheproof's HKDF-SHA-384: the whole function, and Expand alone where one block suffices.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { hkdf, hkdfExpand } from '../../../core/envelope/hkdf.ts';
import { SecretBytes } from '../../../core/secret-bytes.ts';

interface Case { readonly tcId: number; readonly ikm: string; readonly salt: string; readonly info: string; readonly size: number; readonly okm: string; readonly result: 'valid' | 'invalid' }
const { testGroups } = JSON.parse(readFileSync('test/vectors/wycheproof/hkdf_sha384_test.json', 'utf8')) as { testGroups: { tests: Case[] }[] };
const cases = testGroups.flatMap(({ tests }) => tests);
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

describe('HKDF-SHA-384', () => {
  test('agrees with every valid vector', () => {
    const valid = cases.filter(({ result }) => result === 'valid');
    expect(valid.length).toBeGreaterThan(70);
    for (const { ikm, salt, info, size, okm } of valid) expect(hkdf(SecretBytes.take(hex(ikm)), hex(salt), hex(info), size).toString('hex')).toBe(okm);
  });

  test('refuses what RFC 5869 cannot give', () => {
    const invalid = cases.filter(({ result }) => result === 'invalid');
    expect(invalid.length).toBeGreaterThan(0);
    for (const { ikm, salt, info, size } of invalid) expect(() => hkdf(SecretBytes.take(hex(ikm)), hex(salt), hex(info), size)).toThrow();
  });

  test('expands an extracted key as the vectors say, in one block and never more', () => {
    const short = cases.filter(({ result, size }) => result === 'valid' && size <= 48);
    expect(short.length).toBeGreaterThan(30);
    for (const { ikm, salt, info, size, okm } of short) {
      const prk = SecretBytes.take(createHmac('sha384', hex(salt)).update(hex(ikm)).digest());
      expect(hkdfExpand(prk, [hex(info).subarray(0, 3), hex(info).subarray(3)], size).toString('hex')).toBe(okm);
    }
    expect(() => hkdfExpand(SecretBytes.take(Buffer.alloc(48)), [], 49)).toThrow(RangeError);
  });
});
