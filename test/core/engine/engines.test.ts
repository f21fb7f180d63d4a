// Every engine against Wycheproof's AES-GCM and the known-answer test that chooses among them.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { chooseEngine, passesKnownAnswer } from '../../../core/engine/choose.ts';
import { ffiEngine } from '../../../core/engine/ffi.ts';
import { nodeEngine } from '../../../core/engine/node.ts';
import type { SegmentEngine } from '../../../core/engine/engine.ts';
import { codeOf } from '../refusal.ts';

interface Case { readonly tcId: number; readonly key: string; readonly iv: string; readonly aad: string; readonly msg: string; readonly ct: string; readonly tag: string; readonly result: 'valid' | 'invalid' }
interface Group { readonly ivSize: number; readonly keySize: number; readonly tagSize: number; readonly tests: readonly Case[] }
const { testGroups } = JSON.parse(readFileSync('test/vectors/wycheproof/aes_gcm_test.json', 'utf8')) as { testGroups: Group[] };
const isOurs = ({ ivSize, keySize, tagSize }: Group): boolean => ivSize === 96 && keySize === 256 && tagSize === 128;
const ours = testGroups.filter(isOurs).flatMap(({ tests }) => tests);
const foreign = testGroups.filter((group) => !isOurs(group)).flatMap(({ tests }) => tests);
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const inputOf = ({ key, iv, aad }: Case): Parameters<SegmentEngine['open']>[0] => ({ key: hex(key), iv: hex(iv), aad: hex(aad) });

/** The pinned Node offers node:ffi: a test run without it would silently test less. */
const ffi = ffiEngine();
if (ffi === null) throw new Error('node:ffi is missing in this Node');

describe.each([nodeEngine, ffi])('the engine $name', (engine) => {
  test('opens and seals every valid vector of 256-bit keys and 96-bit IVs', () => {
    const valid = ours.filter(({ result }) => result === 'valid');
    expect(valid.length).toBeGreaterThan(30);
    for (const one of valid) {
      expect(engine.open(inputOf(one), hex(one.ct), hex(one.tag)).toString('hex')).toBe(one.msg);
      const sealed = Buffer.alloc(one.msg.length / 2);
      expect(engine.seal(inputOf(one), hex(one.msg), sealed).toString('hex')).toBe(one.tag);
      expect(sealed.toString('hex')).toBe(one.ct);
    }
  });

  test('refuses every altered one', () => {
    const invalid = ours.filter(({ result }) => result === 'invalid');
    expect(invalid.length).toBeGreaterThan(20);
    expect(invalid.map((one) => codeOf(() => engine.open(inputOf(one), hex(one.ct), hex(one.tag))))).toEqual(invalid.map(() => 'E_SEGMENT_AUTH'));
  });

  test('refuses keys and IVs of any other length, though the vectors call them valid', () => {
    expect(foreign.length).toBeGreaterThan(200);
    for (const one of foreign) {
      expect(() => engine.open(inputOf(one), hex(one.ct), hex(one.tag))).toThrow(RangeError);
      expect(() => engine.seal(inputOf(one), hex(one.msg), Buffer.alloc(one.msg.length / 2))).toThrow(RangeError);
    }
  });

  test('passes the known-answer test', () => {
    expect(passesKnownAnswer(engine)).toBe(true);
  });
});

describe('the engine ffi alone', () => {
  const [one] = ours.filter(({ result, msg }) => result === 'valid' && msg.length > 64);
  if (one === undefined) throw new Error('no vector');

  test('decrypts in place, and leaves nothing unverified there', () => {
    const ciphertext = hex(one.ct);
    expect(ffi.open(inputOf(one), ciphertext, hex(one.tag))).toBe(ciphertext);
    const wrong = hex(one.tag);
    wrong.writeUInt8(wrong.readUInt8(0) ^ 0x80);
    const again = hex(one.ct);
    expect(codeOf(() => ffi.open(inputOf(one), again, wrong))).toBe('E_SEGMENT_AUTH');
    expect(again.equals(Buffer.alloc(again.length))).toBe(true);
  });
  test('goes on after a refusal, and agrees with node:crypto on segments of every size up to some KiB and of 8 MiB', () => {
    const input = inputOf(one);
    for (const size of [0, 1, 15, 16, 17, 31, 4095, 4096, 4097, 8 * 2 ** 20]) {
      const plaintext = randomBytes(size);
      const [a, b] = [Buffer.alloc(size), Buffer.alloc(size)];
      const tag = ffi.seal(input, plaintext, a);
      expect(nodeEngine.seal(input, plaintext, b).equals(tag) && a.equals(b)).toBe(true);
      expect(nodeEngine.open(input, a, tag).equals(plaintext)).toBe(true);
      expect(codeOf(() => ffi.open({ ...input, aad: Buffer.of(1) }, Buffer.from(a), tag))).toBe('E_SEGMENT_AUTH');
      expect(ffi.open(input, a, tag).equals(plaintext)).toBe(true);
    }
  });
});

describe('choosing an engine', () => {
  const careless: SegmentEngine = {
    ...nodeEngine,
    open: (input, ciphertext, tag) => {
      try {
        return nodeEngine.open(input, ciphertext, tag);
      } catch {
        return ciphertext;
      }
    },
  };
  const wrong: SegmentEngine = { ...nodeEngine, open: (input, ciphertext, tag) => Buffer.alloc(nodeEngine.open(input, ciphertext, tag).length) };
  const tagless: SegmentEngine = { ...nodeEngine, seal: (input, plaintext, into) => nodeEngine.seal(input, plaintext, into).fill(0) };

  test('passes over one that accepts a wrong tag, one that decrypts wrongly and one that tags wrongly', () => {
    expect(chooseEngine([careless, wrong, tagless, nodeEngine])).toBe(nodeEngine);
  });
  test('takes node:ffi where there is one, and node:crypto where there is none', () => {
    expect(chooseEngine().name).toBe('ffi');
    expect(chooseEngine([null, nodeEngine])).toBe(nodeEngine);
  });
  test('fails closed where none is trustworthy', () => {
    expect(codeOf(() => chooseEngine([careless]))).toBe('E_INTERNAL');
  });
});
