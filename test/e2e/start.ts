// Before all e2e tests: the cluster, its servers, the images, the chart. The cluster ends with the test run, however that ends; one that was up
// before (`test/cluster/cluster up NAME`, with the name that a run says) is used and left as it is, for a shorter wait while writing tests.
import { lock } from '../../setup/lock.ts';
import { lockFile } from '../cluster/layout.ts';
import { runningCluster, startCluster } from '../cluster/lifecycle.ts';
import { install, loadImages } from '../lab/installation.ts';
import { CLUSTER_NAME, labOn } from './lab.ts';
import { keep } from './run-state.ts';

export default async function start(): Promise<void> {
  const begun = performance.now();
  const say = (text: string): void => void process.stderr.write(`e2e: ${((performance.now() - begun) / 1000).toFixed(1).padStart(5)} s  ${text}\n`);
  // One run at a time in a checkout: the second waits, rather than lose its cluster to the end of the first.
  const turn = await lock(lockFile(`${CLUSTER_NAME}-tests`), () => say('waiting: another run of these tests is under way'));
  keep({ turn, ours: runningCluster(CLUSTER_NAME) === undefined });
  const cluster = await startCluster(CLUSTER_NAME, { leashed: true, say });
  const [{ values }] = await Promise.all([labOn(cluster), loadImages(cluster)]);
  say('S3 and KMS servers answer; installing the chart');
  await install(cluster, values);
  say('Weightlock admits pods');
}
