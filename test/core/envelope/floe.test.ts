// FLOE's own vectors on the raw layer: our object layer would refuse their sizes and an empty last segment.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { nodeEngine } from '../../../core/engine/node.ts';
import { FloeKeys, floeParams } from '../../../core/envelope/floe.ts';
import { openSegment, sealSegment } from '../../../core/envelope/segment.ts';
import { SecretBytes } from '../../../core/secret-bytes.ts';
import { expectRefusal } from '../refusal.ts';

const FLOE_HEADER_BYTES = 74;
const key = (): SecretBytes => SecretBytes.take(Buffer.alloc(32));
const aad = Buffer.from('This is AAD');
const vector = (name: string): Buffer => Buffer.from(readFileSync(`test/vectors/floe/${name}.txt`, 'ascii').trim(), 'hex');

function openAll(name: string, keyEpochSegments: number): { tagMatches: boolean; plaintext: Buffer } {
  const ciphertext = vector(`${name}_ct`);
  const params = ciphertext.subarray(0, 10);
  const wireSegment = params.readUInt32BE(2);
  expect(params).toEqual(floeParams(wireSegment));
  const keys = new FloeKeys({ key: key(), params, iv: ciphertext.subarray(10, 42), aad, keyEpochSegments });
  const plaintext: Buffer[] = [];
  for (let at = FLOE_HEADER_BYTES, index = 0; at < ciphertext.length; at += wireSegment, index++) {
    const wire = ciphertext.subarray(at, at + wireSegment);
    plaintext.push(openSegment(nodeEngine, keys, { index, last: at + wireSegment >= ciphertext.length }, wire, name));
  }
  return { tagMatches: keys.tag.equals(ciphertext.subarray(42, FLOE_HEADER_BYTES)), plaintext: Buffer.concat(plaintext) };
}

describe("FLOE's own ciphertexts", () => {
  test.each([
    ['go_GCM256_IV256_64', 2 ** 20],
    ['go_GCM256_IV256_4K', 2 ** 20],
    ['go_rotation', 4],
    ['java_lastSegAligned', 2 ** 20],
    ['java_lastSegEmpty', 2 ** 20],
  ])('%s opens to its plaintext', (name, keyEpochSegments) => {
    expect(openAll(name, keyEpochSegments)).toEqual({ tagMatches: true, plaintext: vector(`${name}_pt`) });
  });

  test('the rotating one needs its own key epoch', () => {
    expectRefusal('E_SEGMENT_AUTH', () => openAll('go_rotation', 2 ** 20));
  });
});

describe('segment keys', () => {
  test('are zeroed with their owner', () => {
    const keys = new FloeKeys({ key: key(), params: floeParams(96), iv: Buffer.alloc(32), aad });
    const live = keys.segmentKey(0);
    keys.destroy();
    expect(live).toEqual(Buffer.alloc(32));
    expect(() => keys.segmentKey(0)).toThrow('a destroyed secret was used');
  });

  test('change with every input of the header', () => {
    const base = { key: key(), params: floeParams(96), iv: Buffer.alloc(32), aad };
    const tagOf = (change: Partial<ConstructorParameters<typeof FloeKeys>[0]>): string => new FloeKeys({ ...base, ...change }).tag.toString('hex');
    const tags = [tagOf({}), tagOf({ params: floeParams(97) }), tagOf({ iv: Buffer.alloc(32, 1) }), tagOf({ aad: Buffer.from('other') }), tagOf({ key: SecretBytes.take(Buffer.alloc(32, 1)) })];
    expect(new Set(tags).size).toBe(tags.length);
  });
});

test('a tag cut to 4 or 12 bytes is no tag', () => {
  const keys = new FloeKeys({ key: key(), params: floeParams(96), iv: Buffer.alloc(32), aad });
  const iv = Buffer.alloc(12);
  const wire = sealSegment(nodeEngine, keys, { index: 0, last: true }, iv, Buffer.from('plaintext'));
  const input = { key: keys.segmentKey(0), iv, aad: Buffer.from('000000000000000001', 'hex') };
  const tag = wire.subarray(-16);
  expect(nodeEngine.open(input, wire.subarray(16, -16), tag).toString()).toBe('plaintext');
  for (const bytes of [0, 4, 12, 15]) expectRefusal('E_SEGMENT_AUTH', () => nodeEngine.open(input, wire.subarray(16, -16), tag.subarray(0, bytes)));
});
