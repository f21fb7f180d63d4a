// Geometry: segments and shards tile plaintext and object exactly, up to the largest object.
import { describe, expect, jest, test } from '@jest/globals';
import * as fc from 'fast-check';
import { objectBytes, segmentCount, segmentPlan, shardCount, shardPlan, shardPlans, type Layout } from '../../../core/envelope/plan.ts';

jest.setTimeout(120_000); // pure computation, of much data: slow only where the machine is busy

const MIB = 2 ** 20;
const segmentSize = fc.constantFrom(65_536, 131_072, MIB, 4 * MIB, 8 * MIB);
const layoutUpTo = (max: number): fc.Arbitrary<Layout> => fc.record({ plaintextBytes: fc.oneof(fc.nat(max), fc.constantFrom(0, 1, max)), segmentBytes: segmentSize });

describe('a layout', () => {
  test.each([
    [0, MIB, 1, 170, 0], [1, MIB, 1, 171, 1], [MIB, MIB, 1, 170 + MIB, 1], [MIB + 1, MIB, 2, 202 + MIB + 1, 1], [8 * MIB, MIB, 8, 138 + 8 * (MIB + 32), 1], [8 * MIB + 1, MIB, 9, 138 + 8 * MIB + 1 + 9 * 32, 2],
    [2 ** 44, 65_536, 2 ** 28, 138 + 2 ** 44 + 2 ** 33, 2 ** 21],
  ])('of %i bytes in segments of %i has %i segments, %i object bytes and %i digests', (plaintextBytes, segmentBytes, segments, bytes, digests) => {
    const layout = { plaintextBytes, segmentBytes };
    expect([segmentCount(layout), objectBytes(layout), shardCount(plaintextBytes)]).toEqual([segments, bytes, digests]);
  });

  test('has segments that tile plaintext and object', () => {
    fc.assert(fc.property(layoutUpTo(64 * MIB), (layout) => {
      let plaintext = 0;
      let ciphertext = 138;
      for (let index = 0; index < segmentCount(layout); index++) {
        const plan = segmentPlan(layout, index);
        expect([plan.plaintext.start, plan.ciphertext.start]).toEqual([plaintext, ciphertext]);
        expect(plan.ciphertext.end - plan.ciphertext.start).toBe(plan.plaintext.end - plan.plaintext.start + 32);
        expect(plan.last).toBe(index === segmentCount(layout) - 1);
        plaintext = plan.plaintext.end;
        ciphertext = plan.ciphertext.end;
      }
      expect([plaintext, ciphertext]).toEqual([layout.plaintextBytes, objectBytes(layout)]);
    }), { numRuns: 50 });
  });

  test('has shards that are whole runs of segments, tile the same bytes and are as many as the digests', () => {
    fc.assert(fc.property(layoutUpTo(200 * MIB), (layout) => {
      let next = { segment: 0, plaintext: 0, ciphertext: 138 };
      let shards = 0;
      for (const shard of shardPlans(layout)) {
        expect(next).toEqual({ segment: shard.firstSegment, plaintext: shard.plaintext.start, ciphertext: shard.ciphertext.start });
        next = { segment: shard.firstSegment + shard.segments, plaintext: shard.plaintext.end, ciphertext: shard.ciphertext.end };
        shards++;
      }
      expect(next).toEqual({ segment: segmentCount(layout), plaintext: layout.plaintextBytes, ciphertext: objectBytes(layout) });
      expect(shards).toBe(Math.max(1, shardCount(layout.plaintextBytes)));
    }), { numRuns: 100 });
  });

  test('is exact at its far end, two terabytes beyond any 32-bit number', () => {
    const layout = { plaintextBytes: 2 ** 44 - 1, segmentBytes: 65_536 };
    const last = segmentPlan(layout, 2 ** 28 - 1);
    expect(last).toEqual({ index: 2 ** 28 - 1, last: true, plaintext: { start: 2 ** 44 - 65_536, end: 2 ** 44 - 1 }, ciphertext: { start: objectBytes(layout) - 65_535 - 32, end: objectBytes(layout) } });
    expect(shardPlan(layout, 2 ** 21 - 1).ciphertext.end).toBe(objectBytes(layout));
  });

  test.each([-1, 2, 0.5, Number.NaN])('has no segment %p', (index) => {
    expect(() => segmentPlan({ plaintextBytes: MIB + 1, segmentBytes: MIB }, index)).toThrow(RangeError);
  });
});
