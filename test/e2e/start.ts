// Before all e2e tests: the cluster, its servers, the images, the chart. The cluster ends with the test run, however that ends; one that was up
// before (`test/cluster/cluster up NAME`, with the name that a run says) is used and left as it is, for a shorter wait while writing tests.
import { endCluster, runningCluster, startCluster } from '../cluster/lifecycle.ts';
import { install, loadImages } from '../lab/installation.ts';
import { CLUSTER_NAME, labOn } from './lab.ts';

export default async function start(): Promise<() => Promise<void>> {
  const begun = performance.now();
  const say = (text: string): void => void process.stderr.write(`e2e: ${((performance.now() - begun) / 1000).toFixed(1).padStart(5)} s  ${text}\n`);
  const found = runningCluster(CLUSTER_NAME) !== undefined;
  const cluster = await startCluster(CLUSTER_NAME, { leashed: true, say });
  const [{ values }] = await Promise.all([labOn(cluster), loadImages(cluster)]);
  say('S3 and KMS servers answer; installing the chart');
  await install(cluster, values);
  say('Weightlock admits pods');
  return async () => {
    if (!found) await endCluster(CLUSTER_NAME);
  };
}
