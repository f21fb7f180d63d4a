// Version, envelope and latest.json: small, mutable, from anybody (docs/format.md §6).
import { describe, expect, test } from '@jest/globals';
import { checkVersionAndEnvelope, checkVersionAndManifest } from '../../../core/envelope/agreement.ts';
import { parseEnvelopeFile, serializeEnvelopeFile } from '../../../core/envelope/envelope-file.ts';
import { envelopeKey, objectKey, versionKey } from '../../../core/envelope/storage-keys.ts';
import { parseLatestFile, parseVersionFile, serializeLatestFile, serializeVersionFile } from '../../../core/envelope/version-file.ts';
import { codeOf, expectRefusal } from '../refusal.ts';
import { COMMITMENT, ENVELOPE_ID, OBJECT_ID, run } from './known.ts';
import { bytesOf, changed, pathsOf, validManifest, type ManifestJson } from './manifests.ts';

const versionJson: ManifestJson = {
  format: 'weightlock.version/1.0', suite: 1, envelopeId: ENVELOPE_ID, commitment: COMMITMENT,
  manifest: { object: OBJECT_ID, bytes: 213_344 }, totals: { files: 2, bytes: 8_388_609 }, signatures: [],
};
const wrap = { provider: 'aws-kms', key: 'arn:aws:kms:eu-west-1:111122223333:key/0', context: { tenant: 'acme' }, wrapped: run(0, 60).toString('base64') };
const envelopeJson: ManifestJson = { format: 'weightlock.envelope/1.0', suite: 1, envelopeId: ENVELOPE_ID, commitment: COMMITMENT, wraps: [wrap] };
const version = (json: unknown) => parseVersionFile(bytesOf(json), 'the version');
const envelope = (json: unknown) => parseEnvelopeFile(bytesOf(json), 'the envelope');
const wrapped = (text: string): string => codeOf(() => envelope({ ...envelopeJson, wraps: [{ ...wrap, wrapped: text }] }));

describe('a version file', () => {
  test('is read as written', () => {
    expect(version(versionJson)).toEqual(versionJson);
    expect(parseVersionFile(serializeVersionFile(version(versionJson)), 'the version')).toEqual(versionJson);
  });
  test.each(pathsOf(versionJson))('without %s it is E_SCHEMA', (path) => {
    expectRefusal('E_SCHEMA', () => version(changed(versionJson, path, undefined)));
  });
  test.each([
    ['suite', 2, 'E_UNSUPPORTED_SUITE'], ['suite', '1', 'E_SCHEMA'], ['format', 'weightlock.version/1.1', 'E_SCHEMA'], ['x', 1, 'E_SCHEMA'], ['manifest.x', 1, 'E_SCHEMA'],
    ['manifest.bytes', 169, 'E_SCHEMA'], ['manifest.bytes', 2 ** 40, 'E_LIMIT_MANIFEST'], ['manifest.object', '../../etc/passwd', 'E_SCHEMA'], ['totals.files', 65_537, 'E_LIMIT_FILES'],
    ['signatures', Array.from({ length: 9 }, () => COMMITMENT), 'E_SCHEMA'], ['signatures', ['x'], 'E_SCHEMA'], ['commitment', COMMITMENT.toUpperCase(), 'E_SCHEMA'],
  ] as const)('with %s = %j it is %s', (path, value, code) => {
    expect(codeOf(() => version(changed(versionJson, path, value)))).toBe(code);
  });
  test('of more than 256 KiB is E_LIMIT_SIZE', () => {
    expectRefusal('E_LIMIT_SIZE', () => parseVersionFile(Buffer.alloc(262_145, ' '), 'the version'));
  });
});

describe('an envelope', () => {
  test('is read as written, its wraps decoded', () => {
    const read = envelope(envelopeJson);
    expect(read.wraps[0]).toEqual({ ...wrap, context: new Map([['tenant', 'acme']]), wrapped: run(0, 60) });
    expect(parseEnvelopeFile(serializeEnvelopeFile(read), 'the envelope')).toEqual(read);
  });
  test('may hold 32 wraps, of providers this program does not know too, and not 33', () => {
    const wraps = Array.from({ length: 32 }, (_, i) => ({ ...wrap, provider: `junk-${i}` }));
    expect(envelope({ ...envelopeJson, wraps }).wraps.length).toBe(32);
    expectRefusal('E_LIMIT_WRAPS', () => envelope({ ...envelopeJson, wraps: [...wraps, wrap] }));
    expectRefusal('E_LIMIT_WRAPS', () => envelope({ ...envelopeJson, wraps: Array.from({ length: 100_000 }, () => 0) }));
  });
  test.each(pathsOf(envelopeJson).filter((path) => path !== 'wraps.0' && path !== 'wraps.0.context.tenant'))('without %s it is E_SCHEMA', (path) => {
    expectRefusal('E_SCHEMA', () => envelope(changed(envelopeJson, path, undefined)));
  });
  test.each([
    ['wraps', {}, 'E_SCHEMA'], ['wraps', [null], 'E_SCHEMA'], ['wraps.0.x', 1, 'E_SCHEMA'], ['wraps.0.provider', 'AWS', 'E_SCHEMA'], ['wraps.0.key', '', 'E_SCHEMA'], ['wraps.0.key', 'a\u0000b', 'E_SCHEMA'],
    ['wraps.0.context', [], 'E_SCHEMA'], ['wraps.0.context', { 'weightlock:v': '1' }, 'E_SCHEMA'], ['wraps.0.context', { tenant: '' }, 'E_SCHEMA'], ['wraps.0.context', { tenant: 1 }, 'E_SCHEMA'],
    ['wraps.0.context', Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`k${i}`, 'v'])), 'E_SCHEMA'],
  ] as const)('with %s = %j it is %s', (path, value, code) => {
    expect(codeOf(() => envelope(changed(envelopeJson, path, value)))).toBe(code);
  });
  test.each(['__proto__', 'constructor', 'toString'])('with the context key %s it is refused or a plain key, never more', (key) => {
    const text = JSON.stringify(envelopeJson).replace('"tenant"', JSON.stringify(key));
    const code = codeOf(() => parseEnvelopeFile(Buffer.from(text), 'the envelope'));
    expect(code).toBe(key === 'constructor' ? 'accepted' : 'E_SCHEMA');
  });
  test.each(['', 'AA', 'AAA', 'AA=', 'AAB=', 'AB==', 'AA==\n', ' AA==', 'AA==AA==', '-_8=', 'AA*=', 'AA=='.repeat(2), 'A'.repeat(5464)])('with the base64 %j it is E_SCHEMA', (text) => {
    expect(wrapped(text)).toBe('E_SCHEMA');
  });
  test('takes wraps of 1 to 4096 bytes', () => {
    for (const length of [1, 2, 3, 4096]) expect(wrapped(Buffer.alloc(length, 7).toString('base64'))).toBe('accepted');
    expect(wrapped(Buffer.alloc(4097).toString('base64'))).toBe('E_SCHEMA');
  });
});

test('latest.json is read as written', () => {
  const latest = { version: COMMITMENT, sequence: 7 };
  expect(parseLatestFile(serializeLatestFile(latest), 'latest.json')).toEqual({ format: 'weightlock.latest/1.0', ...latest });
  expectRefusal('E_SCHEMA', () => serializeLatestFile({ version: COMMITMENT, sequence: 0 }));
});

describe('fields that stand twice', () => {
  const other = run(0x50, 16).toString('hex');
  test('a version and an envelope of another lineage are E_OBJECT_MISMATCH', () => {
    expect(codeOf(() => checkVersionAndEnvelope(version(versionJson), envelope(envelopeJson)))).toBe('accepted');
    expectRefusal('E_OBJECT_MISMATCH', () => checkVersionAndEnvelope(version(versionJson), envelope({ ...envelopeJson, envelopeId: other })));
    expectRefusal('E_OBJECT_MISMATCH', () => checkVersionAndEnvelope(version(versionJson), envelope({ ...envelopeJson, commitment: '00'.repeat(32) })));
  });
  test('a version and a manifest that disagree on envelope or totals are E_OBJECT_MISMATCH', () => {
    expect(codeOf(() => checkVersionAndManifest(version(versionJson), validManifest()))).toBe('accepted');
    for (const [path, value] of [['envelopeId', other], ['totals.files', 3], ['totals.bytes', 1]] as const) {
      expectRefusal('E_OBJECT_MISMATCH', () => checkVersionAndManifest(version(changed(versionJson, path, value)), validManifest()));
    }
  });
});

test('storage names are made of ids and digests alone', () => {
  expect([versionKey(COMMITMENT), envelopeKey(ENVELOPE_ID), objectKey(OBJECT_ID)]).toEqual([`versions/${COMMITMENT}.json`, `envelopes/${ENVELOPE_ID}.json`, `objects/${OBJECT_ID}`]);
});
