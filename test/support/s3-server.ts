// A real S3 server (versitygw over a folder) with one bucket: conditional writes, signatures and multipart uploads behave as AWS documents them.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import type { AwsAccess } from '../../core/aws/access.ts';
import type { S3Source } from '../../core/api/decryptor-config.ts';
import { toolPaths } from '../../setup/tools.ts';
import { startServer } from './server-process.ts';

export interface S3Server {
  readonly origin: string;
  readonly bucket: string;
  /** Where its objects lie as files: `folder/bucket/key`. */
  readonly folder: string;
  /** Credentials as files, and the server's origin allowed: what the tests' stores are opened with. */
  readonly access: AwsAccess;
  /** As its root, for what only a test does. */
  readonly client: S3Client;
  readonly pid: number;
  source(prefix: string): S3Source;
  /** Lets anybody read the bucket without a signature. */
  openToAnybody(): Promise<void>;
  close(): Promise<void>;
}

const ACCESS_KEY = 'weightlocktest';
const SECRET_KEY = 'weightlocktestsecret';

/** Writes a credential folder as a mounted Secret has it. */
export async function writeCredentials(directory: string, accessKeyId: string, secretAccessKey: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'accessKeyId'), accessKeyId);
  await writeFile(join(directory, 'secretAccessKey'), `${secretAccessKey}\n`);
}

/** `root`: where its folder is made; a memory-backed one where speed is measured. */
export async function startS3Server(root: string = tmpdir()): Promise<S3Server> {
  const home = await mkdtemp(join(root, 'weightlock-s3-'));
  const folder = join(home, 'data');
  const credentials = join(home, 'credentials');
  await mkdir(folder);
  await writeCredentials(credentials, ACCESS_KEY, SECRET_KEY);
  const server = await startServer({
    command: (port) => [toolPaths().versitygw, '--port', `127.0.0.1:${port}`, '--quiet', 'posix', folder],
    env: () => ({ ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: SECRET_KEY }),
  });
  const bucket = 'models';
  const client = new S3Client({ endpoint: server.origin, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1, credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY } });
  const close = async (): Promise<void> => {
    client.destroy();
    await server.close();
    await rm(home, { recursive: true, force: true });
  };
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    origin: server.origin, bucket, folder, client, close, pid: server.pid,
    access: { credentials: { kind: 'files', directory: credentials }, allowedEndpoints: [server.origin] },
    source: (prefix) => ({ bucket, prefix, endpoint: server.origin, pathStyle: true }),
    openToAnybody: async () => {
      const statement = { Effect: 'Allow', Principal: '*', Action: ['s3:GetObject', 's3:ListBucket'], Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`] };
      await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }) }));
    },
  };
}
