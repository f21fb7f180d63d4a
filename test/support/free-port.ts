// TCP ports of this machine alone that nobody uses.
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Has `server` listen on a free port of `host`; returns the port. */
export async function listenOnFreePort(server: Server, host: string = '127.0.0.1'): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  return address.port;
}

/** A port that was free a moment ago, for a program that must be told one. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenOnFreePort(server);
  server.close();
  await once(server, 'close');
  return port;
}
