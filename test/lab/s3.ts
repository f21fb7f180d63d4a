// A real S3 server (versitygw) inside the cluster, its buckets plain folders: what a thief of the store would hold, and where a test plays one.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import type { Cluster } from '../cluster/cluster.ts';
import { toolPaths } from '../../setup/tools.ts';
import { reach } from './reach.ts';
import { serviceFolder, startService } from './service.ts';
import type { Service } from './service.ts';

const PORT = 7070;

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}
/** Who seals: may do everything. */
export const PUBLISHER: Credentials = { accessKeyId: 'publisher', secretAccessKey: 'publishers-own-secret' };
/** Who serves: may read the buckets whose policy says so. */
export const READER: Credentials = { accessKeyId: 'reader', secretAccessKey: 'readers-own-secret' };

export const REGION = 'us-east-1';

export interface S3Server extends Service {
  /** On disk: `<folder>/<bucket>/<key>`. */
  readonly folder: string;
  /** Makes the bucket; `READER` may get and list its objects where `readable`. */
  createBucket(bucket: string, readable: boolean): Promise<void>;
}

const allow = (action: string, resource: string): object => ({
  Effect: 'Allow',
  Principal: { AWS: [READER.accessKeyId] },
  Action: [action],
  Resource: [resource],
});

export async function startS3(cluster: Cluster): Promise<S3Server> {
  const home = serviceFolder(cluster, 's3');
  const folder = join(home, 'buckets');
  for (const name of ['buckets', 'accounts']) mkdirSync(join(home, name), { recursive: true });
  const { versitygw } = toolPaths();
  const root = { ROOT_ACCESS_KEY: PUBLISHER.accessKeyId, ROOT_SECRET_KEY: PUBLISHER.secretAccessKey };
  const service = await startService(
    cluster,
    's3',
    [versitygw, '--port', `${cluster.nodeAddress}:${PORT}`, '--quiet', '--iam-dir', join(home, 'accounts'), 'posix', folder],
    { port: PORT, env: root },
  );
  const admin = ['admin', '--access', PUBLISHER.accessKeyId, '--secret', PUBLISHER.secretAccessKey, '--endpoint-url', service.origin];
  const known = await cluster.exec(versitygw, [...admin, 'list-users']);
  if (!known.includes(READER.accessKeyId))
    await cluster.exec(versitygw, [...admin, 'create-user', '--access', READER.accessKeyId, '--secret', READER.secretAccessKey, '--role', 'user']);
  const client = new S3Client({
    endpoint: service.origin,
    region: REGION,
    forcePathStyle: true,
    credentials: PUBLISHER,
    requestHandler: { httpAgent: await reach(cluster, service) },
  });
  return {
    ...service,
    folder,
    async createBucket(bucket, readable) {
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      if (!readable) return;
      const policy = {
        Version: '2012-10-17',
        Statement: [allow('s3:GetObject', `arn:aws:s3:::${bucket}/*`), allow('s3:ListBucket', `arn:aws:s3:::${bucket}`)],
      };
      await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(policy) }));
    },
  };
}
