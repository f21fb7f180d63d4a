import { describe, expect, test } from '@jest/globals';
import { parseDecryptorConfig } from '../../init-decryptor/config-schema.ts';
import { CONFIG } from './a-config.ts';

const parse = (value: unknown): unknown => parseDecryptorConfig(Buffer.from(JSON.stringify(value)), 'WEIGHTLOCK_CONFIG');
/** CONFIG with `value` at `path`; undefined removes the member. */
const changed = (path: string, value: unknown): unknown => {
  const copy = structuredClone(CONFIG) as unknown as Record<string, unknown>;
  const steps = path.split('.');
  let at = copy;
  for (const step of steps.slice(0, -1)) at = at[step] as Record<string, unknown>;
  const last = steps.at(-1) ?? '';
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
};

describe('a configuration', () => {
  test('comes out as it went in', () => {
    expect(parse(CONFIG)).toEqual(CONFIG);
  });
  test.each([
    ['resource', undefined],
    ['source', { file: { path: '/models/store' } }],
    ['credentials', { kind: 'anonymous' }],
    ['credentials', { kind: 'webIdentity', roleArn: 'arn:aws:iam::1:role/x', tokenFile: '/t', stsEndpoint: 'https://sts.example.com' }],
    ['credentials', { kind: 'container', uri: 'http://169.254.170.23/v1/credentials', tokenFile: '/t' }],
    ['source.s3.endpoint', undefined],
    ['manifest.bytes', 0],
  ])('may have %s = %j', (path, value) => {
    expect(parse(changed(path, value))).toEqual(changed(path, value));
  });

  test.each([
    ['schema', 'weightlock.decryptor/2.0', 'schema'],
    ['surprise', 1, '"surprise" is unknown'],
    ['source', { s3: CONFIG.source, file: { path: '/x' } }, 'source'],
    ['source', {}, 'source'],
    ['source', [], 'source'],
    ['source.s3.bucket', 7, 'source.s3.bucket'],
    ['source.s3.endpoint', 'http://10.0.0.7:9000/', 'source.s3.endpoint'],
    ['source.s3.endpoint', 'http://user@10.0.0.7', 'source.s3.endpoint'],
    ['source.s3.endpoint', 'ftp://10.0.0.7', 'source.s3.endpoint'],
    ['keys.0', { awsKms: { keyArn: '' } }, 'keys[0].awsKms.keyArn'],
    ['keys.1.localFile.path', 'relative', 'keys[1].localFile.path'],
    ['keys.0.context', { tenant: 1 }, 'keys[0].context.tenant'],
    ['keys.0.context', { Tenant: 'x' }, 'Tenant'],
    ['model.name', null, 'model.name'],
    ['model.name', undefined, '"name" is missing'],
    ['manifest.digest', 'ab'.repeat(32), 'manifest.digest'],
    ['manifest.lineage', 'CD'.repeat(32), 'manifest.lineage'],
    ['manifest.bytes', -1, 'E_JSON_NUMBER'],
    ['manifest.files', 0, 'manifest.files'],
    ['verify.content', 'digest', 'verify.content'],
    ['files.include', '*', 'files.include'],
    ['credentials', { kind: 'default' }, 'credentials'],
    ['credentials', { kind: 'files' }, 'credentials'],
    ['credentials', { kind: 'anonymous', directory: '/x' }, 'credentials'],
    ['credentials', 'anonymous', 'credentials'],
    ['allowedEndpoints', ['http://a/b'], 'allowedEndpoints[0]'],
    ['swap', 'refuse', 'swap'],
    ['target.path', 'models', 'target.path'],
    ['target.reuse', undefined, '"reuse" is missing'],
    ['target.requireTmpfs', 'true', 'target.requireTmpfs'],
  ])('with %s = %j is E_CONFIG and names the place', (path, value, place) => {
    expect(() => parse(changed(path, value))).toThrow(expect.objectContaining({ code: 'E_CONFIG', message: expect.stringContaining(place) }));
  });

  test('with a member twice, or larger than 32 KiB, is E_CONFIG', () => {
    const text = JSON.stringify(CONFIG);
    const twice = text.replace('"swap":"Refuse"', '"swap":"Refuse","\\u0073wap":"Allow"');
    for (const bad of [twice, text + ' '.repeat(32 * 1024), `${text}x`, '']) {
      expect(() => parseDecryptorConfig(Buffer.from(bad), 'WEIGHTLOCK_CONFIG')).toThrow(expect.objectContaining({ code: 'E_CONFIG' }));
    }
  });
});
