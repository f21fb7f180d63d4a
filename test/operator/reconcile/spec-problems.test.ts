import { describe, expect, test } from '@jest/globals';
import type { EncryptedModelSpec } from '../../../core/api/encrypted-model.ts';
import { specProblem } from '../../../operator/reconcile/spec-problems.ts';

const spec = (more: { s3?: string; kms?: string; access?: EncryptedModelSpec['access'] } = {}): EncryptedModelSpec => ({
  source: { s3: { bucket: 'models', prefix: 'llama', ...(more.s3 === undefined ? {} : { endpoint: more.s3 }) } },
  keys: [{ awsKms: { keyArn: 'arn:aws:kms:eu-west-1:111122223333:key/k', ...(more.kms === undefined ? {} : { endpoint: more.kms }) } }],
  model: { name: 'acme/llama', version: '7' },
  manifest: { digest: `sha256:${'a'.repeat(64)}`, lineage: 'b'.repeat(64), bytes: 1, files: 1 },
  ...(more.access === undefined ? {} : { access: more.access }),
});
const code = (of: EncryptedModelSpec, allowed: readonly string[] = []): string | undefined => specProblem(of, allowed)?.code;
const secretRef = { secretRef: { name: 's3' } };

describe('a spec', () => {
  test("that names AWS's own servers, or none, is accepted", () => {
    expect(code(spec())).toBeUndefined();
    expect(code(spec({ kms: 'https://kms.eu-west-1.amazonaws.com', access: { awsRoleArn: 'arn:aws:iam::1:role/r' } }))).toBeUndefined();
  });
  test('may send credentials of its own anywhere over TLS', () => {
    expect(code(spec({ s3: 'https://minio.example:9000', kms: 'https://kms.example', access: secretRef }))).toBeUndefined();
  });
  test('may send nothing over plain HTTP unless the installation lists it', () => {
    const plain = spec({ s3: 'http://10.77.0.1:9000', access: secretRef });
    expect(code(plain)).toBe('E_ENDPOINT_REFUSED');
    expect(code(plain, ['http://10.77.0.1:9000'])).toBeUndefined();
  });
  test("may not send the pod's or the node's identity to strangers", () => {
    const strange = 'https://s3.amazonaws.com.evil.example';
    expect(code(spec({ s3: strange, access: { awsRoleArn: 'arn:aws:iam::1:role/r' } }))).toBe('E_ENDPOINT_REFUSED');
    expect(code(spec({ s3: strange, access: { instanceRole: true } }))).toBe('E_ENDPOINT_REFUSED');
    expect(code(spec({ kms: strange }))).toBe('E_ENDPOINT_REFUSED');
  });
  test('may read a bucket anywhere without credentials', () => {
    expect(code(spec({ s3: 'https://public.example' }))).toBeUndefined();
  });
  test('says what to do', () => {
    expect(specProblem(spec({ kms: 'https://kms.example' }), [])?.next).toContain('allowedEndpoints');
  });
});
