// Stands between our KMS client and a real KMS server, and answers as AWS does where no server of ours can: its own denials in JSON, throttling, outages,
// silence, altered answers. What is not planned passes through.
import { once } from 'node:events';
import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import { listenOnFreePort } from './free-port.ts';

export type PlannedFault =
  /** An error as AWS writes it: `{"__type": …, "message": …}`. */
  | { readonly kind: 'error'; readonly status: number; readonly type: string }
  /** No answer at all, until the client gives up. */
  | { readonly kind: 'silence' }
  /** The connection is cut. */
  | { readonly kind: 'cut' }
  /** The real answer, changed. */
  | { readonly kind: 'alter'; readonly change: (answer: Record<string, unknown>) => Record<string, unknown> };

export interface KmsProxy {
  readonly origin: string;
  /** Operations that came, such as `Decrypt`, in order. */
  readonly calls: string[];
  /** Consumed from the front, one a call. */
  readonly faults: PlannedFault[];
  close(): Promise<void>;
}

export async function startKmsProxy(target: string): Promise<KmsProxy> {
  const calls: string[] = [];
  const faults: PlannedFault[] = [];
  const answer = (response: ServerResponse, status: number, body: string): void =>
    void response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': `proxy-${calls.length}` }).end(body);

  const server = createServer((incoming: IncomingMessage, response: ServerResponse) => {
    const fault = faults.shift();
    calls.push(String(incoming.headers['x-amz-target']).replace('TrentService.', ''));
    switch (fault?.kind) {
      case 'silence': return void incoming.resume();
      case 'cut': return void incoming.socket.destroy();
      case 'error': {
        incoming.resume().on('end', () => answer(response, fault.status, JSON.stringify({ __type: fault.type, message: `planned ${fault.type}` })));
        return;
      }
      case 'alter': case undefined: {
        const onward = send(target, { method: incoming.method, path: incoming.url, headers: incoming.headers }, (real) => {
          void collect(real).then((text) => answer(response, real.statusCode ?? 500, fault === undefined ? text : JSON.stringify(fault.change(JSON.parse(text) as Record<string, unknown>))));
        });
        incoming.pipe(onward);
        return;
      }
      default: return fault satisfies never;
    }
  });
  const port = await listenOnFreePort(server);
  return {
    origin: `http://127.0.0.1:${port}`,
    calls, faults,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function collect(stream: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
