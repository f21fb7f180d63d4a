// What is signed, for which host: nothing here sends a request.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3Source } from '../../../core/api/decryptor-config.ts';
import type { AwsAccess } from '../../../core/aws/access.ts';
import { openPlace } from '../../../core/stores/s3-place.ts';
import { openStore, parseStoreUrl, storeUrl } from '../../../core/stores/registry.ts';
import { writeCredentials } from '../../support/s3-server.ts';
import { codeOf, expectRejection } from '../refusal.ts';

const signal = AbortSignal.timeout(600_000);
let directory: string;
let access: AwsAccess;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weightlock-place-'));
  await writeCredentials(directory, 'AKIDONE', 'one');
  access = { credentials: { kind: 'files', directory }, allowedEndpoints: [] };
});
afterEach(async () => rm(directory, { recursive: true, force: true }));

const signed = (source: Partial<S3Source>, rights = access): Promise<URL> => openPlace({ bucket: 'models', prefix: 'a/b', ...source }, rights).signer('objects/00')(signal);

describe('a signed URL', () => {
  test('goes to the bucket\'s own host at AWS, and signs nothing but the host', async () => {
    const url = await signed({ region: 'eu-west-1' });
    expect([url.origin, url.pathname]).toEqual(['https://models.s3.eu-west-1.amazonaws.com', '/a/b/objects/00']);
    expect(url.searchParams.get('X-Amz-SignedHeaders')).toBe('host');
    expect([...url.searchParams.keys()].filter((name) => /checksum/i.test(name))).toEqual([]);
  });

  test('names a bucket with dots in the path: no certificate is valid for such a host', async () => {
    const url = await signed({ bucket: 'my.models', region: 'eu-west-1' });
    expect([url.origin, url.pathname]).toEqual(['https://s3.eu-west-1.amazonaws.com', '/my.models/a/b/objects/00']);
  });

  test('names the bucket in the path at an endpoint of one\'s own, unless told otherwise', async () => {
    expect((await signed({ endpoint: 'https://minio.example:9000' })).href).toMatch(/^https:\/\/minio\.example:9000\/models\/a\/b\/objects\/00\?/);
    expect((await signed({ endpoint: 'https://minio.example:9000', pathStyle: false })).href).toMatch(/^https:\/\/models\.minio\.example:9000\/a\/b\/objects\/00\?/);
  });

  test('is good for minutes and carries a session\'s token', async () => {
    await writeFile(join(directory, 'sessionToken'), 'session');
    const { searchParams } = await signed({ region: 'eu-west-1' });
    expect([searchParams.get('X-Amz-Expires'), searchParams.get('X-Amz-Security-Token')]).toEqual(['300', 'session']);
  });

  test('is made once an object', async () => {
    const sign = openPlace({ bucket: 'models', prefix: '', region: 'eu-west-1' }, access).signer('k');
    expect(await sign(signal)).toBe(await sign(signal));
  });

  test('is not waited for by who has given up', async () => {
    const sign = openPlace({ bucket: 'models', prefix: '', region: 'eu-west-1' }, access).signer('k');
    await expect(sign(AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  });

  test('is no more than a URL where requests are anonymous', async () => {
    expect((await signed({ endpoint: 'http://minio.example' }, { credentials: { kind: 'anonymous' }, allowedEndpoints: [] })).href).toBe('http://minio.example/models/a/b/objects/00');
  });
});

describe('what is refused before anything is signed', () => {
  test('credentials for a foreign endpoint, over http, or for no place at all', () => {
    const ambient: AwsAccess = { credentials: { kind: 'instanceRole' }, allowedEndpoints: [] };
    expect([
      codeOf(() => openPlace({ bucket: 'models', prefix: '', endpoint: 'https://minio.example' }, ambient)),
      codeOf(() => openPlace({ bucket: 'models', prefix: '', endpoint: 'http://minio.example' }, access)),
      codeOf(() => openPlace({ bucket: 'models', prefix: '', endpoint: 'https://minio.example/path' }, access)),
      codeOf(() => openPlace({ bucket: 'models', prefix: '' }, access)),
    ]).toEqual(['E_ENDPOINT_REFUSED', 'E_ENDPOINT_REFUSED', 'E_CONFIG', 'E_CONFIG']);
  });

  test.each(['..', 'a/../b', './a', 'a/.'])('the prefix %j, whose keys a URL would name otherwise: E_CONFIG', (prefix) => {
    expect(codeOf(() => openPlace({ bucket: 'models', prefix, region: 'eu-west-1' }, access))).toBe('E_CONFIG');
  });
  test.each(['..', 'a/b', 'a?b', 'Models', 'models.', 'arn:aws:s3:eu-west-1:111122223333:accesspoint/a'])('%j as a bucket: E_CONFIG', (bucket) => {
    expect(codeOf(() => openPlace({ bucket, prefix: '', region: 'eu-west-1' }, access))).toBe('E_CONFIG');
  });

  test('an endpoint that the environment slipped in: E_ENDPOINT_REFUSED', async () => {
    process.env['AWS_ENDPOINT_URL_S3'] = 'http://127.0.0.1:1';
    try {
      await expectRejection('E_ENDPOINT_REFUSED', signed({ region: 'eu-west-1' }));
    } finally {
      delete process.env['AWS_ENDPOINT_URL_S3'];
    }
  });

  test('credentials that aren\'t there: E_CREDENTIALS', async () => {
    await expectRejection('E_CREDENTIALS', signed({ region: 'eu-west-1' }, { ...access, credentials: { kind: 'files', directory: join(directory, 'none') } }));
  });
});

describe('URLs of stores', () => {
  test.each([
    ['s3://models', { s3: { bucket: 'models', prefix: '' } }], ['s3://models/', { s3: { bucket: 'models', prefix: '' } }], ['s3://models/a/b/', { s3: { bucket: 'models', prefix: 'a/b' } }],
    ['file:///srv/models/', { file: { path: '/srv/models' } }], ['file:///srv/a%20b', { file: { path: '/srv/a b' } }], ['file:///', { file: { path: '/' } }],
  ])('%s', (url, source) => expect(parseStoreUrl(url)).toEqual(source));

  test('say the same when written', () => {
    for (const url of ['s3://models', 's3://models/a/b', 'file:///srv/a%20b']) expect(storeUrl(parseStoreUrl(url))).toBe(url);
  });

  test.each(['', 'models', '/srv/models', 's3:models', 's3://', 's3://Models/a', 's3://a/b', 's3://models/a//b', 's3://models/../b', 's3://models/a?b', 's3://u@models/a', 'file://host/a', 'file:relative', 'gs://models/a', 'https://models.s3.amazonaws.com/a'])('%j is none: E_USAGE', (url) => {
    expect(codeOf(() => parseStoreUrl(url))).toBe('E_USAGE');
  });

  test('a folder is named by its whole path: E_CONFIG', () => expect(codeOf(() => openStore({ file: { path: 'models' } }, access))).toBe('E_CONFIG'));
});
