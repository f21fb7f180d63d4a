// The manifest's grammar (docs/format.md §5): closed, exact, bounded. Every departure has its code.
import { describe, expect, jest, test } from '@jest/globals';
import { parseManifest, serializeManifest } from '../../../core/envelope/manifest.ts';
import { codeOf, expectRefusal } from '../refusal.ts';
import { bytesOf, changed, manifestJson, OTHER_OBJECT_ID, pathsOf, validManifest } from './manifests.ts';
import { OBJECT_ID } from './known.ts';

jest.setTimeout(120_000); // pure computation, of much data: slow only where the machine is busy

const parse = (json: unknown) => parseManifest(bytesOf(json));
const codeWith = (path: string, value: Parameters<typeof changed>[2]): string => codeOf(() => parse(changed(manifestJson(), path, value)));
const hex = (byte: number): string => Buffer.alloc(32, byte).toString('hex');

describe('a valid manifest', () => {
  test('is read as written, and written as read', () => {
    const manifest = validManifest();
    expect(manifest).toMatchObject({ ...manifestJson(), annotations: new Map([['licence', 'Apache-2.0']]) });
    expect(parseManifest(serializeManifest(manifest))).toEqual(manifest);
  });
  test.each([['sequence', 1], ['expires', '2028-02-29T23:59:59Z'], ['annotations', {}], ['model.name', 'ж'.repeat(128)], ['files.0.segment', 65_536], ['files.0.segment', 8_388_608]] as const)('may have %s = %j', (path, value) => {
    expect(codeWith(path, value)).toBe('accepted');
  });
  test('may be the first of its name', () => {
    expect(codeOf(() => parse({ ...manifestJson(), sequence: 1, previous: null }))).toBe('accepted');
  });
  test('may name __proto__ and constructor as annotations, and nothing is polluted', () => {
    const text = JSON.stringify({ ...manifestJson(), annotations: {} }).replace('"annotations":{}', '"annotations":{"__proto__":"x","constructor":"y"}');
    expect([...parseManifest(Buffer.from(text)).annotations]).toEqual([['__proto__', 'x'], ['constructor', 'y']]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});

describe('the closed schema', () => {
  const members = pathsOf(manifestJson()).filter((path) => !path.startsWith('annotations.') && !/\.\d+$/.test(path));
  test.each(members)('a manifest without %s is E_SCHEMA', (path) => {
    expect(codeWith(path, undefined)).toBe('E_SCHEMA');
  });
  test.each(members)('a manifest whose %s is an array of arrays or of another type is refused', (path) => {
    expect(codeWith(path, [[]])).toBe('E_SCHEMA');
    expect(codeWith(path, true)).toBe('E_SCHEMA');
    if (path !== 'expires' && path !== 'previous') expect(codeWith(path, null)).toBe('E_SCHEMA');
  });
  test.each(['x', 'model.x', 'totals.x', 'files.0.x', 'files.1.shards.x', 'constructor', 'model.toString', 'files.0.hasOwnProperty'])('the unknown member %s is E_SCHEMA', (path) => {
    expect(codeWith(path, 1)).toBe('E_SCHEMA');
  });
  test('__proto__ as a member name is E_SCHEMA at every level', () => {
    const text = JSON.stringify(manifestJson());
    for (const place of ['{"schema"', '{"name"', '{"files"', '{"path"', '{"alg"']) {
      expectRefusal('E_SCHEMA', () => parseManifest(Buffer.from(text.replace(place, place.replace('{', '{"__proto__":{"a":1},')))));
    }
  });
  test('a duplicate member, spelled with an escape too, is E_JSON_DUPLICATE', () => {
    const text = JSON.stringify(manifestJson());
    expectRefusal('E_JSON_DUPLICATE', () => parseManifest(Buffer.from(text.replace('"sequence":7', '"sequence":7,"sequence":8'))));
    expectRefusal('E_JSON_DUPLICATE', () => parseManifest(Buffer.from(text.replace('"sequence":7', '"sequence":7,"s\\u0065quence":8'))));
  });
});

describe('values', () => {
  test.each([
    ['schema', 'weightlock.manifest/2.0', 'E_SCHEMA'],
    ['sequence', 0, 'E_SCHEMA'], ['sequence', 2 ** 53, 'E_JSON_NUMBER'], ['sequence', 1.5, 'E_JSON_NUMBER'], ['sequence', '7', 'E_SCHEMA'],
    ['previous', null, 'E_SCHEMA'], ['previous', hex(6), 'E_SCHEMA'], ['previous', `sha256:${hex(0xab).toUpperCase()}`, 'E_SCHEMA'],
    ['created', '2026-11-23T04:05:06+00:00', 'E_SCHEMA'], ['created', '2026-11-23 04:05:06Z', 'E_SCHEMA'], ['created', '2026-11-23T04:05:06.000Z', 'E_SCHEMA'], ['created', '2026-02-30T00:00:00Z', 'E_SCHEMA'], ['created', '2026-11-23T24:00:00Z', 'E_SCHEMA'],
    ['expires', '2027-02-29T00:00:00Z', 'E_SCHEMA'], ['expires', '', 'E_SCHEMA'],
    ['model.name', '', 'E_SCHEMA'], ['model.name', 'a'.repeat(257), 'E_SCHEMA'], ['model.name', 'ж'.repeat(129), 'E_SCHEMA'], ['model.name', 'a\u0007', 'E_SCHEMA'], ['model.name', 'a\u202eb', 'E_SCHEMA'], ['model.version', '1\n2', 'E_SCHEMA'], ['model.version', 'a\0', 'E_SCHEMA'],
    ['envelopeId', OBJECT_ID.toUpperCase(), 'E_SCHEMA'], ['envelopeId', OBJECT_ID.slice(1), 'E_SCHEMA'], ['envelopeId', `${OBJECT_ID}\n`, 'E_SCHEMA'],
    ['totals.files', 1, 'E_TOTALS'], ['totals.files', 3, 'E_TOTALS'], ['totals.bytes', 8_388_608, 'E_TOTALS'], ['totals.files', 0, 'E_SCHEMA'], ['totals.files', 65_537, 'E_LIMIT_FILES'],
    ['files.0.size', 8_388_610, 'E_TOTALS'], ['files.0.size', 2 ** 44 + 1, 'E_LIMIT_SIZE'],
    ['files.0.object', OTHER_OBJECT_ID, 'E_SCHEMA'], ['files.0.object', 'x'.repeat(32), 'E_SCHEMA'],
    ['files.0.segment', 0, 'E_UNSUPPORTED_SEGMENT'], ['files.0.segment', 64, 'E_UNSUPPORTED_SEGMENT'], ['files.0.segment', 2 ** 24, 'E_UNSUPPORTED_SEGMENT'], ['files.0.segment', 3 * 65_536, 'E_UNSUPPORTED_SEGMENT'],
    ['files.0.tag', hex(0xab).toUpperCase(), 'E_SCHEMA'], ['files.0.tag', hex(1).slice(2), 'E_SCHEMA'],
    ['files.0.shards.alg', 'md5', 'E_SCHEMA'], ['files.0.shards.size', 4_194_304, 'E_SCHEMA'],
    ['files.0.shards.values', [hex(2)], 'E_SCHEMA'], ['files.0.shards.values', [hex(2), hex(3), hex(4)], 'E_SCHEMA'], ['files.0.shards.values', [hex(2), hex(0xab).toUpperCase()], 'E_SCHEMA'], ['files.0.shards.values', [hex(2), `${hex(3)}0`], 'E_SCHEMA'],
    ['files.1.shards.values', [hex(2)], 'E_SCHEMA'],
    ['files.0.path', '../x', 'E_PATH_SYNTAX'], ['files.0.path', '.ready', 'E_PATH_RESERVED'], ['files.0.path', 'z', 'E_PATH_CONFLICT'], ['files.0.path', 'Z/EMPTY', 'E_PATH_CONFLICT'], ['files.0.path', 'zz', 'E_SCHEMA'],
    ['annotations', { a: 1 }, 'E_SCHEMA'], ['annotations', { a: 'x'.repeat(4096) }, 'E_SCHEMA'],
  ] as const)('%s = %j is %s', (path, value, code) => {
    expect(codeWith(path, value)).toBe(code);
  });

  test('a file left out, added or named twice shows in the totals, the object ids or the paths', () => {
    const { files } = validManifest();
    const json = manifestJson();
    expectRefusal('E_TOTALS', () => parse({ ...json, files: files.slice(0, 1) }));
    expectRefusal('E_TOTALS', () => parse({ ...json, files: [...files, { ...files[1], path: 'zz', object: '00'.repeat(16) }] }));
    expectRefusal('E_PATH_CONFLICT', () => parse({ ...json, totals: { files: 3, bytes: 8_388_609 }, files: [...files, files[1]] }));
    expectRefusal('E_SCHEMA', () => parse({ ...json, totals: { files: 3, bytes: 8_388_609 }, files: [...files, { ...files[1], path: 'zz' }] }));
  });

  test('sixty-five annotations are E_SCHEMA', () => {
    expect(codeWith('annotations', Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`k${i}`, ''])))).toBe('accepted');
    expect(codeWith('annotations', Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, ''])))).toBe('E_SCHEMA');
  });

  test('files are sorted by UTF-8 bytes, which is not JavaScript\'s order', () => {
    const { files } = validManifest();
    const [empty] = files.slice(1);
    // U+FF5E sorts before U+1F600 in UTF-8 (EF… < F0…) but after it in UTF-16 (FF5E > D83D)
    const named = (path: string, object: string) => ({ ...empty, path, object });
    const inBytes = [named('\uff5e', OBJECT_ID), named('\u{1f600}', OTHER_OBJECT_ID)];
    const json = { ...manifestJson(), totals: { files: 2, bytes: 0 } };
    expect(codeOf(() => parse({ ...json, files: inBytes }))).toBe('accepted');
    expectRefusal('E_SCHEMA', () => parse({ ...json, files: inBytes.toReversed() }));
  });
});

describe('limits', () => {
  test('a million files are E_LIMIT_FILES before one of them is looked at', () => {
    expectRefusal('E_LIMIT_FILES', () => parse({ ...manifestJson(), files: Array.from({ length: 1_000_000 }, () => 0) }));
  });
  test('more than 64 MiB are E_LIMIT_MANIFEST, unread', () => {
    expectRefusal('E_LIMIT_MANIFEST', () => parseManifest(Buffer.alloc(64 * 1024 * 1024 + 1, ' ')));
  });
  test('sizes whose sum passes 2^53 are E_TOTALS', () => {
    const { files } = validManifest();
    const [, empty] = files;
    const huge = Array.from({ length: 600 }, (_, i) => ({ ...empty, path: `f${String(i).padStart(4, '0')}`, object: i.toString(16).padStart(32, '0'), size: 2 ** 44 - 1 }));
    expectRefusal('E_SCHEMA', () => parse({ ...manifestJson(), totals: { files: 600, bytes: Number.MAX_SAFE_INTEGER }, files: huge })); // no digests: refused first
  });
  test('65,536 files are read', () => {
    const [, empty] = validManifest().files;
    const files = Array.from({ length: 65_536 }, (_, i) => ({ ...empty, path: `f${String(i).padStart(5, '0')}`, object: i.toString(16).padStart(32, '0') }));
    expect(parse({ ...manifestJson(), totals: { files: 65_536, bytes: 0 }, files }).files.length).toBe(65_536);
  });
});

test('a writer cannot serialise what readers refuse', () => {
  const manifest = validManifest();
  expectRefusal('E_SCHEMA', () => serializeManifest({ ...manifest, files: manifest.files.toReversed() }));
  expectRefusal('E_TOTALS', () => serializeManifest({ ...manifest, totals: { files: 2, bytes: 1 } }));
  expectRefusal('E_JSON_UTF8', () => serializeManifest({ ...manifest, model: { name: '\ud800', version: '1' } }));
});
