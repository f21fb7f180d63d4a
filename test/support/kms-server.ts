// A real KMS server (ministack): right about contexts and key states. With a wrong key it answers other bytes instead of an error, which is what the
// key commitment is for.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import type { AwsAccess } from '../../core/aws/access.ts';
import { toolPaths } from '../../setup/tools.ts';
import { writeCredentials } from './s3-server.ts';
import { startServer } from './server-process.ts';

export interface KmsServer {
  readonly origin: string;
  readonly access: AwsAccess;
  /** For what only a test does: disabling keys, making aliases. */
  readonly client: KMSClient;
  /** Makes a key and returns its ARN. */
  createKey(): Promise<string>;
  close(): Promise<void>;
}

export async function startKmsServer(): Promise<KmsServer> {
  const home = await mkdtemp(join(tmpdir(), 'weightlock-kms-'));
  await writeCredentials(home, 'AKIAWEIGHTLOCKTEST00', 'secret');
  const server = await startServer({ command: () => [toolPaths().ministack], env: (port) => ({ BIND_HOST: '127.0.0.1', GATEWAY_PORT: String(port), HOME: home }) });
  const client = new KMSClient({ endpoint: server.origin, region: 'us-east-1', maxAttempts: 1, credentials: { accessKeyId: 'AKIAWEIGHTLOCKTEST00', secretAccessKey: 'secret' } });
  return {
    origin: server.origin, client,
    access: { credentials: { kind: 'files', directory: home }, allowedEndpoints: [server.origin] },
    createKey: async () => {
      const arn = (await client.send(new CreateKeyCommand({}))).KeyMetadata?.Arn;
      if (arn === undefined) throw new Error('the KMS server made no key');
      return arn;
    },
    close: async () => {
      client.destroy();
      await server.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
