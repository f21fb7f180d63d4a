// Stands between our S3 client and a real S3 server, and fails as networks and other servers do. What is not planned passes through unchanged, signature
// included: the server checks it against the proxy's own Host.
import { once } from 'node:events';
import { createServer, request as send, type IncomingHttpHeaders } from 'node:http';
import { listenOnFreePort } from './free-port.ts';
import type { S3Server } from './s3-server.ts';

export type S3Fault =
  /** An error document, without asking the server. */
  | { readonly kind: 'error'; readonly status: number; readonly code: string }
  /** The server does it, but its answer is lost on the way. */
  | { readonly kind: 'lost' }
  /** The connection is cut before the server hears of it. */
  | { readonly kind: 'cut' }
  /** The answer of a success, without asking the server. */
  | { readonly kind: 'taken'; readonly etag: string };

export interface SeenRequest {
  /** `PUT /bucket/key?partNumber=1`; upload ids are left out. */
  readonly line: string;
  readonly headers: IncomingHttpHeaders;
}

export interface S3Proxy {
  readonly origin: string;
  readonly seen: readonly SeenRequest[];
  close(): Promise<void>;
}

/** `plan` is asked once a request, with how often the same line came before. */
export async function startS3Proxy(server: S3Server, plan: (request: SeenRequest, before: number) => S3Fault | undefined): Promise<S3Proxy> {
  const seen: SeenRequest[] = [];
  const proxy = createServer((incoming, response) => {
    const line = `${incoming.method ?? ''} ${(incoming.url ?? '').replace(/[?&](uploadId|x-id|X-Amz-[A-Za-z-]+)=[^&]*/g, '').replace('&', '?')}`;
    const request = { line, headers: incoming.headers };
    const fault = plan(request, seen.filter((other) => other.line === line).length);
    seen.push(request);
    const drop = (): void => void incoming.socket.destroy();
    const answer = (status: number, headers: Record<string, string>, body: string): void => void incoming.resume().on('end', () => response.writeHead(status, headers).end(body));
    switch (fault?.kind) {
      case 'cut': return drop();
      case 'error': return answer(fault.status, { 'content-type': 'application/xml' }, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${fault.code}</Code><Message>planned</Message></Error>`);
      case 'taken': return answer(200, { etag: fault.etag }, '');
      case 'lost': case undefined: {
        const onward = send(server.origin, { method: incoming.method, path: incoming.url, headers: incoming.headers }, (real) => {
          if (fault?.kind === 'lost') real.resume().on('end', drop);
          else real.pipe(response.writeHead(real.statusCode ?? 500, real.headers));
        });
        onward.on('error', drop);
        incoming.pipe(onward);
        return;
      }
      default: return fault satisfies never;
    }
  });
  const port = await listenOnFreePort(proxy);
  return {
    origin: `http://127.0.0.1:${port}`,
    seen,
    close: async () => {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
