// A valid configuration to start from, as plain JSON values.
import { DECRYPTOR_SCHEMA, type DecryptorConfig } from '../../core/api/decryptor-config.ts';

export const CONFIG: DecryptorConfig = {
  schema: DECRYPTOR_SCHEMA,
  resource: { namespace: 'serving', name: 'llama-ft-7' },
  source: { s3: { bucket: 'acme-models', prefix: 'llama-ft', region: 'eu-west-1', endpoint: 'http://10.0.0.7:9000', pathStyle: true } },
  keys: [
    { awsKms: { keyArn: 'arn:aws:kms:eu-west-1:111122223333:key/0f4e', region: 'eu-west-1', endpoint: 'http://10.0.0.7:4566' }, context: { tenant: 'acme' } },
    { localFile: { path: '/keys/local', id: 'sha256:00112233445566778899aabbccddeeff' } },
  ],
  model: { name: 'acme/llama-ft', version: '2026.11.2' },
  manifest: { digest: `sha256:${'ab'.repeat(32)}`, lineage: 'cd'.repeat(32), bytes: 141107412992, files: 42 },
  verify: { content: 'Digest' },
  files: { include: ['*.safetensors'], exclude: [] },
  credentials: { kind: 'files', directory: '/credentials' },
  allowedEndpoints: ['http://10.0.0.7:9000', 'http://10.0.0.7:4566'],
  swap: 'Refuse',
  target: { path: '/weightlock', requireTmpfs: true, reuse: true },
  logLevel: 'info',
};
