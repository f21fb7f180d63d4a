// The one cluster of all e2e tests with its S3 and KMS servers and Weightlock in it. test/e2e/start.ts starts it; a test file finds it here.
import { createHash } from 'node:crypto';
import { REPOSITORY } from '../../build/config.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { runningCluster } from '../cluster/lifecycle.ts';
import { helmValues } from '../lab/installation.ts';
import { startKms } from '../lab/kms.ts';
import type { KmsServer } from '../lab/kms.ts';
import { startS3 } from '../lab/s3.ts';
import type { S3Server } from '../lab/s3.ts';

/** One a checkout, so that two checkouts can be tested at once. */
export const CLUSTER_NAME = `e2e-${createHash('sha256').update(REPOSITORY).digest('hex').slice(0, 8)}`;

/** A namespace that the webhook is told to leave alone: pods there are as if it were down. */
export const EXCLUDED_NAMESPACE = 'e2e-excluded';

export interface Lab {
  readonly cluster: Cluster;
  readonly s3: S3Server;
  readonly kms: KmsServer;
  /** What the chart was installed with. */
  readonly values: object;
}

/** Starts what is missing of the two servers; takes a moment where nothing is. */
export async function labOn(cluster: Cluster): Promise<Lab> {
  const [s3, kms] = await Promise.all([startS3(cluster), startKms(cluster)]);
  const values = { ...helmValues([s3.origin, kms.origin, kms.denying.origin]), webhook: { excludedNamespaces: [EXCLUDED_NAMESPACE] } };
  return { cluster, s3, kms, values };
}

export async function openLab(): Promise<Lab> {
  const cluster = runningCluster(CLUSTER_NAME);
  if (cluster === undefined) throw new Error(`the cluster ${CLUSTER_NAME} is not up: run these tests with \`make e2e\``);
  return labOn(cluster);
}
