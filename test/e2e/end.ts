// After all e2e tests: the cluster goes, if this run started it.
import { endCluster } from '../cluster/lifecycle.ts';
import { CLUSTER_NAME } from './lab.ts';
import { kept } from './run-state.ts';

export default async function end(): Promise<void> {
  const state = kept();
  if (state === undefined) return;
  if (state.ours) await endCluster(CLUSTER_NAME);
  state.turn[Symbol.dispose]();
}
