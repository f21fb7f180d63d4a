// A program: carries connections from a socket file to a TCP server, `node relay.ts SOCKET HOST PORT`. Run inside a cluster's network namespace it
// lets a process outside talk to a server in there, as the API server's own socket file does for Kubernetes.
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';

const [socket = '', host = '', port = ''] = process.argv.slice(2);
rmSync(socket, { force: true });
createServer({ allowHalfOpen: true }, (near) => {
  const far = connect({ host, port: Number(port), allowHalfOpen: true });
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const)
    one.on('error', () => other.destroy());
  near.pipe(far).pipe(near);
}).listen(socket);
