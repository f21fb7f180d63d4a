import { describe, expect, test } from '@jest/globals';
import { readConfig } from '../../operator/config.ts';

const IMAGE = `registry.example/weightlock-decryptor@sha256:${'0'.repeat(64)}`;
const GIVEN = { WEIGHTLOCK_NAMESPACE: 'weightlock-system', WEIGHTLOCK_POD_NAME: 'weightlock-operator-6b-x', WEIGHTLOCK_DECRYPTOR_IMAGE: IMAGE };

describe("the operator's configuration", () => {
  test('needs three variables, and has defaults for the rest', () => {
    expect(readConfig(GIVEN)).toEqual({
      namespace: 'weightlock-system', podName: 'weightlock-operator-6b-x', decryptorImage: IMAGE,
      allowedEndpoints: [], logLevel: 'info', webhookPort: 9443, metricsPort: 8080, kubeconfig: undefined,
    });
  });

  test('compares endpoints as origins are compared', () => {
    const { allowedEndpoints } = readConfig({ ...GIVEN, WEIGHTLOCK_ALLOWED_ENDPOINTS: '["https://S3.Example:443/","http://10.77.0.1:9000"]' });
    expect(allowedEndpoints).toEqual(['https://s3.example', 'http://10.77.0.1:9000']);
  });

  test.each([
    ['WEIGHTLOCK_NAMESPACE', undefined, 'empty'],
    ['WEIGHTLOCK_NAMESPACE', 'Not A Name', '"Not A Name"'],
    ['WEIGHTLOCK_POD_NAME', '', 'empty'],
    ['WEIGHTLOCK_DECRYPTOR_IMAGE', 'registry.example/weightlock-decryptor:latest', 'by digest'],
    ['WEIGHTLOCK_ALLOWED_ENDPOINTS', 'https://s3.example', 'JSON list'],
    ['WEIGHTLOCK_ALLOWED_ENDPOINTS', '["https://s3.example/bucket"]', 'not an origin'],
    ['WEIGHTLOCK_ALLOWED_ENDPOINTS', '[1]', 'list of strings'],
    ['WEIGHTLOCK_LOG_LEVEL', 'loud', 'debug, info, warn, error'],
    ['WEIGHTLOCK_WEBHOOK_PORT', '99999', 'port number'],
    ['WEIGHTLOCK_METRICS_PORT', '0x50', 'port number'],
  ])('refuses %s = %s, naming it', (name, value, words) => {
    const read = (): unknown => readConfig({ ...GIVEN, [name]: value });
    expect(read).toThrow(expect.objectContaining({ code: 'E_CONFIG', message: expect.stringContaining(name) as unknown }));
    expect(read).toThrow(words);
  });
});
