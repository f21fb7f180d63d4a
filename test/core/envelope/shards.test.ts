// Digests of 8-MiB ranges: computed alike however the plaintext arrives, and compared by position.
import { createHash } from 'node:crypto';
import { describe, expect, jest, test } from '@jest/globals';
import * as fc from 'fast-check';
import { checkShard, ShardDigests } from '../../../core/envelope/shards.ts';
import { sha256Engine } from '../../../core/hash/sha256.ts';
import { codeOf, expectRefusal } from '../refusal.ts';
import { plaintext } from './known.ts';

jest.setTimeout(120_000); // pure computation, of much data: slow only where the machine is busy

const SHARD = 8 * 2 ** 20;
const content = Buffer.concat([plaintext(SHARD + 3), plaintext(SHARD + 2)]); // no two ranges alike
const expected = [0, 1, 2].map((i) => createHash('sha256').update(content.subarray(i * SHARD, (i + 1) * SHARD)).digest('hex'));

describe('shard digests', () => {
  test('are the same however the plaintext is cut', async () => {
    const hasher = await sha256Engine.hasher();
    fc.assert(fc.property(fc.array(fc.nat(content.length), { maxLength: 6 }), (cuts) => {
      const digests = new ShardDigests(hasher);
      const ends = [...cuts.toSorted((a, b) => a - b), content.length];
      ends.reduce((start, end) => (digests.update(content.subarray(start, end)), end), 0);
      expect(digests.finish()).toEqual(expected);
    }), { numRuns: 10 });
  });

  test('of nothing are none', async () => {
    expect(new ShardDigests(await sha256Engine.hasher()).finish()).toEqual([]);
  });

  test('in the wrong order, of the wrong range or beyond the list are E_DIGEST_MISMATCH', () => {
    const shards = { alg: 'sha256', size: 8_388_608, values: expected } as const;
    const [first = '', second = ''] = expected;
    expect(codeOf(() => checkShard(shards, 1, second, 'a.bin'))).toBe('accepted');
    expectRefusal('E_DIGEST_MISMATCH', () => checkShard(shards, 1, first, 'a.bin'));
    expectRefusal('E_DIGEST_MISMATCH', () => checkShard({ ...shards, values: expected.toReversed() }, 0, first, 'a.bin'));
    expectRefusal('E_DIGEST_MISMATCH', () => checkShard(shards, 3, first, 'a.bin'));
  });
});
