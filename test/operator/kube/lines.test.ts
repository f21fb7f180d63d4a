import { describe, expect, test } from '@jest/globals';
import { array, assert, asyncProperty, infiniteStream, integer, string } from 'fast-check';
import { splitLines } from '../../../operator/kube/lines.ts';

async function* chunks(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}
const collect = async (parts: readonly Uint8Array[], limit = 1000): Promise<string[]> => Array.fromAsync(splitLines(chunks(parts), limit));

describe('the lines of a watch', () => {
  test('are the same however the network cut them', async () => {
    await assert(
      asyncProperty(array(string({ unit: 'grapheme', minLength: 1 })), infiniteStream(integer({ min: 1, max: 9 })), async (texts, sizes) => {
        const lines = texts.map((text) => text.replaceAll('\n', ' '));
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const parts: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; ) {
          const size = sizes.next().value;
          parts.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(await collect(parts, 10_000)).toEqual(lines);
      }),
    );
  });

  test('leave out one that was cut short: it is sent again', async () => {
    expect(await collect([Buffer.from('{"a":1}\n{"b"')])).toEqual(['{"a":1}']);
  });

  test('end with an error where one grows past the limit', async () => {
    await expect(collect([Buffer.alloc(600, 'x'), Buffer.alloc(600, 'x')])).rejects.toThrow('longer than 1000 bytes');
  });
});
