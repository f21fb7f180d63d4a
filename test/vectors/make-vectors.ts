// Writes test/vectors/sealed: one file a case, header lines, a blank line, the object's bytes. Run it only when the format itself changes:
//   node test/vectors/make-vectors.ts
// Every case is sealed with the fixed inputs of docs/format.md §4, so running it again changes nothing.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ObjectKind } from '../../core/envelope/prefix.ts';
import { ENVELOPE_ID, OBJECT_ID, plaintext, sealKnown, type SealedBytes } from '../core/envelope/known.ts';

const S = 65_536;
const WIRE = S + 32;
const HEADER = 138;
const folder = join(import.meta.dirname, 'sealed');

const altered = (object: Buffer, change: (copy: Buffer) => unknown): Buffer => {
  const copy = Buffer.from(object);
  change(copy);
  return copy;
};

function write(name: string, comment: string, expected: string, { expect: said }: SealedBytes, object: Buffer, content: Buffer, kind: ObjectKind = 'file'): void {
  const lines = [
    `expect: ${expected}`,
    `payload: ${createHash('sha256').update(content).digest('hex')}`,
    `dek: ${Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString('hex')}`,
    `kind: ${kind}`,
    `envelope: ${ENVELOPE_ID}`,
    `object: ${OBJECT_ID}`,
    `size: ${said.plaintextBytes}`,
    `segment: ${said.segmentBytes}`,
    `tag: ${said.tag}`,
    `comment: ${comment}`,
  ];
  writeFileSync(join(folder, name), Buffer.concat([Buffer.from(`${lines.join('\n')}\n\n`), object]));
}

mkdirSync(folder, { recursive: true });

for (const [name, n, segment] of [['empty', 0, 2 ** 20], ['one-byte', 1, 2 ** 20], ['small', 150, S], ['whole-segment', S, S], ['segment-and-one', S + 1, S]] as const) {
  const content = plaintext(n);
  const sealed = await sealKnown(content, segment);
  write(name, `${n} bytes in segments of ${segment}`, 'success', sealed, sealed.object, content);
}
const braces = Buffer.from('{}');
const manifest = await sealKnown(braces, 2 ** 20, 'manifest');
write('manifest', 'kind 1, plaintext {}', 'success', manifest, manifest.object, braces, 'manifest');

const content = plaintext(150);
const small = await sealKnown(content, S);
const twoSegments = plaintext(S + 1);
const two = await sealKnown(twoSegments, S);
const refused = (name: string, comment: string, code: string, change: (copy: Buffer) => unknown): void => write(name, comment, code, small, altered(small.object, change), content);

refused('magic', 'an envelope of another format', 'E_BAD_MAGIC', (o) => o.write('ENVMODEL'));
refused('version-2', 'format version 2', 'E_UNSUPPORTED_VERSION', (o) => o.writeUInt8(2, 8));
refused('kind-3', 'an unknown kind', 'E_UNSUPPORTED_KIND', (o) => o.writeUInt8(3, 9));
refused('suite-2', 'an unknown suite', 'E_UNSUPPORTED_SUITE', (o) => o.writeUInt16BE(2, 10));
refused('flag', 'one critical flag', 'E_UNKNOWN_CRITICAL_FLAG', (o) => o.writeUInt32BE(1, 12));
refused('reserved', 'a reserved byte set', 'E_RESERVED_NONZERO', (o) => o.writeUInt8(1, 56));
refused('size-2-64', 'n = 2^64 - 1', 'E_LIMIT_SIZE', (o) => o.writeBigUInt64BE(2n ** 64n - 1n, 48));
refused('params', 'FLOE AEAD id 1', 'E_UNSUPPORTED_PARAMS', (o) => o.writeUInt8(1, 64));
refused('segment-4g', 'stored segments of 2^32 - 1 bytes', 'E_UNSUPPORTED_SEGMENT', (o) => o.writeUInt32BE(0xffff_ffff, 66));
refused('kind-swapped', 'a manifest where a file is expected', 'E_OBJECT_MISMATCH', (o) => o.writeUInt8(1, 9));
refused('other-object', 'the object id of another file', 'E_OBJECT_MISMATCH', (o) => o.writeUInt8(0, 32));
refused('other-iv', 'one bit of the FLOE IV', 'E_KEY_COMMITMENT', (o) => o.writeUInt8(o.readUInt8(74) ^ 1, 74));
refused('other-tag', 'one bit of the header tag', 'E_OBJECT_MISMATCH', (o) => o.writeUInt8(o.readUInt8(106) ^ 1, 106));
refused('length-word', 'the last segment marked as not the last', 'E_SEGMENT_FRAMING', (o) => o.writeUInt32BE(0xffff_ffff, HEADER));
refused('segment-iv', 'one bit of a segment IV', 'E_SEGMENT_AUTH', (o) => o.writeUInt8(o.readUInt8(HEADER + 4) ^ 1, HEADER + 4));
refused('ciphertext', 'one bit of ciphertext', 'E_SEGMENT_AUTH', (o) => o.writeUInt8(o.readUInt8(HEADER + 20) ^ 1, HEADER + 20));
refused('gcm-tag', 'one bit of a GCM tag', 'E_SEGMENT_AUTH', (o) => o.writeUInt8(o.readUInt8(o.length - 1) ^ 1, o.length - 1));
write('header-only', 'cut after the header', 'E_TRUNCATED', small, small.object.subarray(0, HEADER), content);
write('cut-header', 'cut inside the header', 'E_TRUNCATED', small, small.object.subarray(0, 137), content);
write('cut', 'the last byte missing', 'E_TRUNCATED', small, small.object.subarray(0, -1), content);
write('trailing', 'one byte too many', 'E_TRAILING_DATA', small, Buffer.concat([small.object, Buffer.of(0)]), content);
write('swapped-segments', 'the second segment\'s length word and bytes made the first\'s', 'E_SEGMENT_FRAMING', two, Buffer.concat([two.object.subarray(0, HEADER), two.object.subarray(HEADER + WIRE), two.object.subarray(HEADER, HEADER + WIRE)]), twoSegments);
