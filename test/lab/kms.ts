// A real KMS server (ministack) inside the cluster. It knows keys, their states and encryption contexts, but no permissions: a door in front of it
// refuses as AWS does (kms-door.ts).
import { join } from 'node:path';
import { CreateKeyCommand, DisableKeyCommand, EnableKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import type { Cluster } from '../cluster/cluster.ts';
import { toolPaths } from '../../setup/tools.ts';
import { reach } from './reach.ts';
import { REGION } from './s3.ts';
import { startService } from './service.ts';
import type { Service } from './service.ts';

const PORT = 4566;
const CLOSED_DOOR_PORT = 4567;

export interface KmsServer extends Service {
  /** The same server for a caller who may not decrypt. */
  readonly denying: Service;
  /** A new symmetric key's ARN. */
  createKey(): Promise<string>;
  disable(keyArn: string): Promise<void>;
  enable(keyArn: string): Promise<void>;
}

export async function startKms(cluster: Cluster): Promise<KmsServer> {
  const service = await startService(cluster, 'kms', [toolPaths().ministack], {
    port: PORT,
    env: { BIND_HOST: cluster.nodeAddress, GATEWAY_PORT: String(PORT) },
  });
  const door = [process.execPath, join(import.meta.dirname, 'kms-door.ts'), cluster.nodeAddress, String(CLOSED_DOOR_PORT), service.origin];
  const denying = await startService(cluster, 'kms-door', door, { port: CLOSED_DOOR_PORT });
  const client = new KMSClient({
    endpoint: service.origin,
    region: REGION,
    credentials: { accessKeyId: 'admin', secretAccessKey: 'any' },
    requestHandler: { httpAgent: await reach(cluster, service) },
  });
  return {
    ...service,
    denying,
    async createKey() {
      const { KeyMetadata } = await client.send(new CreateKeyCommand({ Description: 'a model’s KEK' }));
      if (KeyMetadata?.Arn === undefined) throw new Error('the KMS made a key without an ARN');
      return KeyMetadata.Arn;
    },
    async disable(keyArn) {
      await client.send(new DisableKeyCommand({ KeyId: keyArn }));
    },
    async enable(keyArn) {
      await client.send(new EnableKeyCommand({ KeyId: keyArn }));
    },
  };
}
