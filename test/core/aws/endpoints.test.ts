import { describe, expect, test } from '@jest/globals';
import type { AwsAccess } from '../../../core/aws/access.ts';
import type { CredentialSource } from '../../../core/aws/credential-source.ts';
import { checkTarget } from '../../../core/aws/endpoint-guard.ts';
import { checkEndpoint, isProviderHost, parseOrigin } from '../../../core/aws/endpoints.ts';
import { codeOf, expectRefusal } from '../refusal.ts';

const ambient: CredentialSource = { kind: 'webIdentity', roleArn: 'arn:aws:iam::111122223333:role/r', tokenFile: '/t' };
const given: CredentialSource = { kind: 'files', directory: '/c' };
const nobody: CredentialSource = { kind: 'anonymous' };
const access = (credentials: CredentialSource, ...allowedEndpoints: string[]): AwsAccess => ({ credentials, allowedEndpoints });
const s3 = (endpoint: string, rights: AwsAccess): string => codeOf(() => checkEndpoint('s3', new URL(endpoint), rights));

describe('which hosts are AWS\'s own', () => {
  test.each([
    ['s3', 's3.eu-west-1.amazonaws.com'], ['s3', 'bucket.s3.eu-west-1.amazonaws.com'], ['s3', 'a.b.s3.amazonaws.com'], ['s3', 's3.dualstack.us-east-1.amazonaws.com'],
    ['s3', 'b.s3-accelerate.amazonaws.com'], ['s3', 's3-fips.us-gov-west-1.amazonaws.com'], ['s3', 'bucket.vpce-0a1b-2c.s3.us-east-1.vpce.amazonaws.com'],
    ['s3', 's3.cn-north-1.amazonaws.com.cn'], ['kms', 'kms.us-east-1.amazonaws.com'], ['kms', 'kms-fips.us-east-1.amazonaws.com'], ['kms', 'kms.us-east-1.api.aws'],
    ['kms', 'vpce-0a1b.kms.us-east-1.vpce.amazonaws.com'], ['sts', 'sts.amazonaws.com'], ['sts', 'sts.eu-central-1.amazonaws.com'], ['kms', 'kms.eusc-de-east-1.amazonaws.eu'],
  ] as const)('%s: %s is', (service, host) => expect(isProviderHost(service, host)).toBe(true));

  test.each([
    ['s3', 'ec2-203-0-113-7.compute-1.amazonaws.com', 'a customer\'s machine'], ['s3', 's3-mine-123.us-east-1.elb.amazonaws.com', 'a customer\'s load balancer'],
    ['s3', 'x.execute-api.us-east-1.amazonaws.com', 'a customer\'s API'], ['s3', 's3.us-east-1.amazonaws.com.evil.example', 'another domain'],
    ['s3', 'evilamazonaws.com', 'a lookalike'], ['s3', 'amazonaws.com', 'the bare suffix'], ['kms', 's3.us-east-1.amazonaws.com', 'another service'], ['kms', 'notkms.us-east-1.amazonaws.com', 'a lookalike label'],
  ] as const)('%s: %s is not: %s', (service, host, _why) => expect(isProviderHost(service, host)).toBe(false));
});

describe('where credentials may go', () => {
  test('ambient ones go to AWS\'s own hosts over TLS, or to a listed origin', () => {
    expect(s3('https://s3.eu-west-1.amazonaws.com', access(ambient))).toBe('accepted');
    expect(s3('https://minio.example', access(ambient))).toBe('E_ENDPOINT_REFUSED');
    expect(s3('https://minio.example', access(ambient, 'https://minio.example'))).toBe('accepted');
    expect(s3('http://10.0.0.7:9000', access(ambient, 'http://10.0.0.7:9000'))).toBe('accepted');
  });

  test('each ambient kind is held to it', () => {
    const kinds: readonly CredentialSource[] = [ambient, { kind: 'container', uri: 'http://169.254.170.23/v1', tokenFile: '/t' }, { kind: 'instanceRole' }, { kind: 'default' }];
    expect(kinds.map((kind) => s3('https://minio.example', access(kind)))).toEqual(kinds.map(() => 'E_ENDPOINT_REFUSED'));
  });

  test('a listed origin is exactly that: scheme, host and port', () => {
    const rights = access(ambient, 'https://minio.example:9000');
    expect(['https://minio.example', 'http://minio.example:9000', 'https://a.minio.example:9000', 'https://minio.example:9001'].map((endpoint) => s3(endpoint, rights)))
      .toEqual(Array(4).fill('E_ENDPOINT_REFUSED'));
    expect(s3('https://MINIO.example:9000', rights)).toBe('accepted');
  });

  test('credentials given for the model go to any https endpoint, and to http only where listed', () => {
    expect(s3('https://minio.example', access(given))).toBe('accepted');
    expect(s3('http://minio.example', access(given))).toBe('E_ENDPOINT_REFUSED');
    expect(s3('http://minio.example', access(given, 'http://minio.example'))).toBe('accepted');
  });

  test('AWS\'s own hosts get none over http either', () => expect(s3('http://s3.eu-west-1.amazonaws.com', access(given))).toBe('E_ENDPOINT_REFUSED'));
  test('unsigned requests go anywhere', () => expect(s3('http://minio.example', access(nobody))).toBe('accepted'));
});

describe('the last look before a request leaves', () => {
  const place = { service: 's3', endpoint: 'https://minio.example:9000' } as const;
  test('it may go to the endpoint, or to a bucket\'s name before it', () => {
    for (const target of ['https://minio.example:9000', 'https://models.minio.example:9000']) checkTarget(place, access(given), new URL(target));
  });
  test.each(['https://minio.example', 'http://minio.example:9000', 'https://evilminio.example:9000', 'https://s3.amazonaws.com'])('it may not go to %s', (target) => {
    expectRefusal('E_ENDPOINT_REFUSED', () => checkTarget(place, access(given), new URL(target)));
  });
  test('without an endpoint the rule itself speaks: an endpoint taken from a profile is refused', () => {
    expectRefusal('E_ENDPOINT_REFUSED', () => checkTarget({ service: 's3' }, access({ kind: 'default' }), new URL('http://127.0.0.1:1')));
    checkTarget({ service: 's3' }, access({ kind: 'default' }), new URL('https://b.s3.us-east-1.amazonaws.com'));
  });
});

test.each(['minio.example', 'ftp://minio.example', 'https://u:p@minio.example', 'https://minio.example/path', 'https://minio.example?x', 'https://minio.example#x', ''])('%j is no origin', (text) => {
  expectRefusal('E_CONFIG', () => parseOrigin(text));
});
