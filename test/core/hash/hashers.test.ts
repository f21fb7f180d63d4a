// Digests: native and WASM BLAKE3 agree, hashers are reusable, and a missing addon falls back.
import { createHash } from 'node:crypto';
import { copyFileSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { loadNativeBlake3 } from '../../../core/hash/blake3-native.ts';
import { blake3WasmEngine } from '../../../core/hash/blake3-wasm.ts';
import { chooseHash, firstTrustworthy } from '../../../core/hash/choose.ts';
import { expectRejection } from '../refusal.ts';
import type { HashEngine } from '../../../core/hash/hasher.ts';

const native = loadNativeBlake3(undefined);
const digestOf = async (engine: HashEngine, ...parts: readonly Uint8Array[]): Promise<string> => {
  const hasher = await engine.hasher();
  for (const part of parts) hasher.update(part);
  return hasher.finish();
};

describe('BLAKE3', () => {
  test('is native where node_modules carries the addon', async () => {
    expect((await chooseHash('blake3')).name).toBe('blake3-native');
  });

  test('comes from a file laid beside a bundle', async () => {
    const [addon] = globSync('node_modules/@napi-rs/blake-hash-linux-x64-gnu/*.node');
    expect(addon).toBeDefined();
    const folder = mkdtempSync(join(tmpdir(), 'weightlock-addon-'));
    try {
      const copy = join(folder, 'blake-hash.node');
      copyFileSync(addon ?? '', copy);
      const loaded = loadNativeBlake3(copy);
      expect(loaded === null ? '' : await digestOf(loaded, Buffer.from('abc'))).toBe(await digestOf(blake3WasmEngine, Buffer.from('abc')));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('goes on with node_modules when the file beside the bundle is damaged', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weightlock-addon-'));
    try {
      const broken = join(folder, 'blake-hash.node');
      writeFileSync(broken, 'not an addon');
      expect((await chooseHash('blake3', broken)).name).toBe('blake3-native');
    } finally {
      rmSync(folder, { recursive: true });
    }
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
