// The fixed points of every cluster: its addresses, which live in its own network namespace, and where its state lies.
import { join } from 'node:path';
import { cacheRoot } from '../../build/config.ts';

export const NODE_NAME = 'node1';
/** The node's address, reachable from pods; the API server listens here, and so do servers that tests start inside. */
export const NODE_ADDRESS = '10.77.0.1';
export const API_URL = `https://${NODE_ADDRESS}:6443`;
export const SERVICES = '10.96.0.0/16';
export const API_SERVICE_ADDRESS = '10.96.0.1';
export const PODS = '10.244.0.0/24';
export const DEFAULT_NAME = 'weightlock';

const CLUSTERS = join(cacheRoot(), 'clusters');

/** All that one cluster writes on disk. Never under /run, /var/lib or /var/log: inside a cluster those are its own. */
export const stateFolder = (name: string): string => join(CLUSTERS, name);
export const lockFile = (name: string): string => join(CLUSTERS, `${name}.lock`);

/** Throws unless `name` can be part of paths and of cgroup names. */
export function checkName(name: string): void {
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name)) throw new Error(`a cluster's name has lower-case letters, digits and hyphens, at most 31; not ${JSON.stringify(name)}`);
}
