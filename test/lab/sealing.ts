// The model owner's side: the command line of this checkout, run where it reaches the S3 and the KMS server.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { REPOSITORY } from '../../build/config.ts';
import type { EncryptedModel } from '../../core/api/encrypted-model.ts';
import type { Cluster, Outcome } from '../cluster/cluster.ts';
import { PUBLISHER, REGION } from './s3.ts';

export const WEIGHTLOCK = join(REPOSITORY, 'bin/weightlock');

const ENVIRONMENT = { AWS_ACCESS_KEY_ID: PUBLISHER.accessKeyId, AWS_SECRET_ACCESS_KEY: PUBLISHER.secretAccessKey, AWS_REGION: REGION };

/** Runs `weightlock` with the publisher's credentials. */
export const weightlock = (cluster: Cluster, args: readonly string[]): Promise<string> => cluster.exec(WEIGHTLOCK, args, { env: ENVIRONMENT });
export const attemptWeightlock = (cluster: Cluster, args: readonly string[]): Promise<Outcome> =>
  cluster.attempt(WEIGHTLOCK, args, { env: ENVIRONMENT });

export interface SealRequest {
  readonly folder: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly keyArn: string;
  readonly name: string;
  readonly version: string;
  readonly namespace: string;
  /** The Secret with the reader's credentials. */
  readonly secret: string;
  readonly s3: string;
  readonly kms: string;
  readonly more?: readonly string[];
}

/** Arguments of the seal command, as a model owner would type them. */
export function sealArguments(request: SealRequest, emit: string): string[] {
  const { folder, bucket, prefix, keyArn, name, version, namespace, secret, s3, kms, more = [] } = request;
  return [
    'seal',
    folder,
    `s3://${bucket}/${prefix}`,
    '--key',
    `aws-kms:${keyArn}`,
    '--name',
    name,
    '--version',
    version,
    '--s3-endpoint',
    s3,
    '--path-style',
    '--kms-endpoint',
    kms,
    '--namespace',
    namespace,
    '--secret-ref',
    secret,
    '--emit',
    emit,
    ...more,
  ];
}

/** Seals and returns the EncryptedModel that the command line wrote. */
export async function seal(cluster: Cluster, request: SealRequest): Promise<EncryptedModel> {
  const work = mkdtempSync(join(tmpdir(), 'weightlock-seal-'));
  try {
    const emit = join(work, 'model.yaml');
    await weightlock(cluster, sealArguments(request, emit));
    return parse(readFileSync(emit, 'utf8')) as EncryptedModel;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
