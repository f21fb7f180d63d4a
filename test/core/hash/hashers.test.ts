// Digests: native and WASM BLAKE3 agree, hashers are reusable, and a missing addon falls back.
import { createHash } from 'node:crypto';
import { describe, expect, jest, test } from '@jest/globals';
import * as fc from 'fast-check';
import { nativeBlake3 } from '../../../core/hash/blake3-native.ts';
import { blake3WasmEngine } from '../../../core/hash/blake3-wasm.ts';
import { chooseHash, firstTrustworthy } from '../../../core/hash/choose.ts';
import { expectRejection } from '../refusal.ts';
import type { HashEngine } from '../../../core/hash/hasher.ts';

jest.setTimeout(120_000); // pure computation, of much data: slow only where the machine is busy

const native = await nativeBlake3();
const digestOf = async (engine: HashEngine, ...parts: readonly Uint8Array[]): Promise<string> => {
  const hasher = await engine.hasher();
  for (const part of parts) hasher.update(part);
  return hasher.finish();
};

describe('BLAKE3', () => {
  test('is native where node_modules carries the addon', async () => {
    expect((await chooseHash('blake3')).name).toBe('blake3-native');
  });

  test('is not native where the addon does not load or is something else', async () => {
    expect(await nativeBlake3(async () => Promise.reject(new Error('no such file')))).toBeNull();
    expect(await nativeBlake3(async () => ({ Blake3Hasher: 'not a class' }))).toBeNull();
  });

  test('is the same natively and as WASM, however the bytes are cut', async () => {
    if (native === null) throw new Error('the addon did not load');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 70_000, size: 'max' }), fc.nat(70_000), async (bytes, cut) => {
        const parts = [bytes.subarray(0, cut), bytes.subarray(cut)];
        expect(await digestOf(native, ...parts)).toBe(await digestOf(blake3WasmEngine, bytes));
      }),
      { numRuns: 30 },
    );
  });
});

test('an engine that digests wrongly is passed over, and alone it fails closed', async () => {
  const wrong: HashEngine = { ...blake3WasmEngine, name: 'blake3-native', hasher: async () => ({ update: () => undefined, finish: () => '00'.repeat(32) }) };
  expect((await firstTrustworthy('blake3', [wrong, blake3WasmEngine])).name).toBe('blake3-wasm');
  await expectRejection('E_INTERNAL', firstTrustworthy('blake3', [wrong]));
});

test.each(['blake3', 'sha256'] as const)('a %s hasher is empty again after finish, and apart from its siblings', async (algorithm) => {
  const engine = await chooseHash(algorithm);
  const [one, other] = [await engine.hasher(), await engine.hasher()];
  one.update(Buffer.from('first'));
  other.update(Buffer.from('noise'));
  const first = one.finish();
  one.update(Buffer.from('first'));
  expect(one.finish()).toBe(first);
  expect(other.finish()).not.toBe(first);
});

test('SHA-256 is what node:crypto says', async () => {
  expect(await digestOf(await chooseHash('sha256'), Buffer.from('a'), Buffer.from('bc'))).toBe(createHash('sha256').update('abc').digest('hex'));
});
