// How a process outside the cluster's network namespace reaches a server in it.
import { existsSync } from 'node:fs';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.ts';
import { serviceFolder } from './service.ts';
import type { Service } from './service.ts';

const READY_LIMIT_MS = 20_000;

class SocketAgent extends Agent {
  readonly #path: string;
  constructor(path: string) {
    super({ keepAlive: false });
    this.#path = path;
  }
  override createConnection(): Duplex {
    return connect(this.#path);
  }
}

/** An HTTP agent whose every connection ends at `service`, whatever host the request names. */
export async function reach(cluster: Cluster, service: Service): Promise<Agent> {
  const socket = join(serviceFolder(cluster, 'relay'), `${service.port}.sock`);
  if (!existsSync(socket)) {
    const relay = [process.execPath, join(import.meta.dirname, 'relay.ts'), socket, cluster.nodeAddress, String(service.port)];
    await cluster.exec('bash', ['-c', 'setsid "$@" > /dev/null 2>&1 < /dev/null &', 'bash', ...relay]);
    const limit = performance.now() + READY_LIMIT_MS;
    while (!existsSync(socket)) {
      if (performance.now() > limit) throw new Error(`the relay to ${service.origin} did not start`);
      await delay(20);
    }
  }
  return new SocketAgent(socket);
}
