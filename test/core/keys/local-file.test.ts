import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalContext } from '../../../core/envelope/context.ts';
import { createLocalKey, openLocalKey } from '../../../core/keys/local-file.ts';
import { openKey, parseKeyFlag, resolveKey } from '../../../core/keys/registry.ts';
import { SecretBytes } from '../../../core/secret-bytes.ts';
import { codeOf, expectRejection } from '../refusal.ts';

const signal = new AbortController().signal;
const access = { credentials: { kind: 'anonymous' }, allowedEndpoints: [] } as const;
const CONTEXT = new Map([['weightlock:v', '1'], ['tenant', 'acme']]);
const secret = (): SecretBytes => SecretBytes.take(Buffer.alloc(32, 5));
let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weightlock-key-'));
  path = join(folder, 'key');
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

async function keyFile(text: string, mode = 0o600): Promise<string> {
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

describe('a key file', () => {
  test('is made once, for its owner alone', async () => {
    const id = await createLocalKey(path);
    expect(id).toMatch(/^sha256:[0-9a-f]{32}$/);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, 'latin1')).toMatch(/^WEIGHTLOCK-LOCAL-KEY-1 [A-Za-z0-9+/]{43}=\n$/);
    await expectRejection('E_TARGET_BUSY', createLocalKey(path));
    expect((await openLocalKey(path)).key).toBe(id);
    await expectRejection('E_IO', createLocalKey(join(folder, 'no/such/folder')));
  });

  test('has the id of format.md §6', async () => {
    const kek = Buffer.alloc(32, 1);
    const id = createHash('sha256').update('weightlock/v1 local\0').update(kek).digest('hex').slice(0, 32);
    expect((await openLocalKey(await keyFile(`WEIGHTLOCK-LOCAL-KEY-1 ${kek.toString('base64')}`))).key).toBe(`sha256:${id}`);
  });

  test.each([0o640, 0o604, 0o660, 0o644])('that others can read (%i) is refused: E_CONFIG', async (mode) => {
    await expectRejection('E_CONFIG', openLocalKey(await keyFile(`WEIGHTLOCK-LOCAL-KEY-1 ${Buffer.alloc(32).toString('base64')}\n`, mode)));
  });

  test.each([
    ['', 'nothing'], ['WEIGHTLOCK-LOCAL-KEY-1 \n', 'no key'], [`WEIGHTLOCK-LOCAL-KEY-2 ${Buffer.alloc(32).toString('base64')}\n`, 'another version'],
    [`WEIGHTLOCK-LOCAL-KEY-1 ${Buffer.alloc(31).toString('base64')}\n`, '31 bytes'], [`WEIGHTLOCK-LOCAL-KEY-1 ${Buffer.alloc(33).toString('base64')}\n`, '33 bytes'],
    [`WEIGHTLOCK-LOCAL-KEY-1 ${'A'.repeat(42)}B=\n`, 'bits after the last byte'], [`WEIGHTLOCK-LOCAL-KEY-1 ${Buffer.alloc(32, 0xff).toString('base64').replaceAll('/', '_')}\n`, 'the URL alphabet'],
    [`WEIGHTLOCK-LOCAL-KEY-1 ${Buffer.alloc(32).toString('base64')}\nmore\n`, 'another line'], [`WEIGHTLOCK-LOCAL-KEY-1  ${Buffer.alloc(32).toString('base64')}\n`, 'two spaces'], ['x'.repeat(10_000), 'too much'],
  ])('that holds %j is refused (%s): E_CONFIG', async (text) => {
    await expectRejection('E_CONFIG', openLocalKey(await keyFile(text)));
  });

  test('that isn\'t there is E_IO; one with another id than demanded is E_CONFIG', async () => {
    await expectRejection('E_IO', openLocalKey(path));
    await createLocalKey(path);
    await expectRejection('E_CONFIG', openLocalKey(path, `sha256:${'0'.repeat(32)}`));
  });
});

describe('wrapping', () => {
  test('gives the DEK back under the same context, and 60 fresh bytes each time', async () => {
    await createLocalKey(path);
    const key = await openLocalKey(path);
    const [one, two] = [await key.wrap(secret(), CONTEXT, signal), await key.wrap(secret(), CONTEXT, signal)];
    expect([one.length, one.equals(two)]).toEqual([60, false]);
    const { dek, requestId } = await key.unwrap(one, new Map([...CONTEXT].toReversed()), signal);
    expect([dek.bytes.equals(Buffer.alloc(32, 5)), requestId]).toEqual([true, null]);
  });

  test('67: each pair of the context is bound: E_KMS_CONTEXT', async () => {
    await createLocalKey(path);
    const key = await openLocalKey(path);
    const wrapped = await key.wrap(secret(), CONTEXT, signal);
    const altered = [new Map([['weightlock:v', '2'], ['tenant', 'acme']]), new Map([['weightlock:v', '1'], ['tenant', 'evil']]), new Map([['weightlock:v', '1']]), new Map([...CONTEXT, ['x', 'y']]), new Map([['weightlock:v', '1t'], ['enant', 'acme']])];
    expect(new Set(altered.map((context) => canonicalContext(context).toString('hex'))).size).toBe(altered.length);
    for (const context of altered) await expectRejection('E_KMS_CONTEXT', key.unwrap(wrapped, context, signal));
  });

  test('67: every bit of the wrap counts: E_KMS_CONTEXT; every other length is E_WRAP_MALFORMED', async () => {
    await createLocalKey(path);
    const key = await openLocalKey(path);
    const wrapped = await key.wrap(secret(), CONTEXT, signal);
    for (let bit = 0; bit < wrapped.length * 8; bit++) {
      const flipped = Buffer.from(wrapped);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      await expectRejection('E_KMS_CONTEXT', key.unwrap(flipped, CONTEXT, signal));
    }
    for (const length of [0, 12, 28, 59]) await expectRejection('E_WRAP_MALFORMED', key.unwrap(wrapped.subarray(0, length), CONTEXT, signal));
    await expectRejection('E_WRAP_MALFORMED', key.unwrap(Buffer.concat([wrapped, Buffer.alloc(1)]), CONTEXT, signal));
  });

  test('67: another key does not open it: E_KMS_CONTEXT', async () => {
    await createLocalKey(path);
    await createLocalKey(join(folder, 'other'));
    const wrapped = await (await openLocalKey(path)).wrap(secret(), CONTEXT, signal);
    await expectRejection('E_KMS_CONTEXT', (await openLocalKey(join(folder, 'other'))).unwrap(wrapped, CONTEXT, signal));
  });

  test('ends with close: the key is gone', async () => {
    await createLocalKey(path);
    const key = await openLocalKey(path);
    key.close();
    await expect(key.wrap(secret(), CONTEXT, signal)).rejects.toThrow('destroyed');
  });
});

describe('typed keys', () => {
  test('are a provider and what it calls the key', () => {
    expect(parseKeyFlag('aws-kms:arn:aws:kms:r:1:key/x')).toEqual({ provider: 'aws-kms', id: 'arn:aws:kms:r:1:key/x' });
    expect(parseKeyFlag('local-file:/a b:c')).toEqual({ provider: 'local-file', path: '/a b:c' });
    expect(['', 'aws-kms', 'aws-kms:', 'gcp-kms:x', '/path'].map((text) => codeOf(() => parseKeyFlag(text)))).toEqual(Array(5).fill('E_USAGE'));
  });

  test('a local one is recorded by its id, and opened again by path and id', async () => {
    const id = await createLocalKey(path);
    const entry = await resolveKey({ provider: 'local-file', path }, {}, access, signal);
    expect(entry).toEqual({ localFile: { id, path } });
    expect(await openKey(entry, access)).toMatchObject({ provider: 'local-file', key: id });
  });

  test('a KMS key without a region is refused before anything is asked: E_USAGE', async () => {
    await expectRejection('E_USAGE', resolveKey({ provider: 'aws-kms', id: 'alias/x' }, {}, access, signal));
  });
});
