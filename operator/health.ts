// /healthz, /readyz and /metrics over plain HTTP, for the kubelet and Prometheus. Nothing secret is told here.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Logger } from '../core/log.ts';

/** What is amiss; empty: nothing. */
export type Check = () => readonly string[];

export interface HealthOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Amiss here means that a restart would help. */
  readonly alive: Check;
  /** Amiss here means that no admission should be sent here (yet, or any more). */
  readonly ready: Check;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  readonly log: Logger;
}

export interface HealthServer {
  readonly port: number;
  stop(): Promise<void>;
}

interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** Resolves when it listens. */
export async function startHealth({ host, port, alive, ready, metrics, log }: HealthOptions): Promise<HealthServer> {
  const page = async (path: string): Promise<Page> => {
    switch (path) {
      case '/healthz': return verdict(alive());
      case '/readyz': return verdict(ready());
      case '/metrics': return { status: 200, ...(await metrics()) };
      default: return { status: 404, contentType: TEXT, text: 'there are /healthz, /readyz and /metrics\n' };
    }
  };
  const server = createServer({ headersTimeout: 5000, requestTimeout: 5000, keepAliveTimeout: 5000 }, (request, response) => {
    request.resume();
    // Whoever reaches the port may send any target, and what throws here ends the process: `//` is none that URL reads.
    page(request.url?.split('?')[0] ?? '').then(
      ({ status, contentType, text }) => response.writeHead(status, { 'content-type': contentType }).end(text),
      (error: unknown) => {
        log.error('a page could not be made', { path: request.url ?? '', reason: error instanceof Error ? error.message : String(error) });
        response.writeHead(500).end();
      },
    );
  });
  server.maxConnections = 64;
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: address === null || typeof address === 'string' ? port : address.port,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const TEXT = 'text/plain; charset=utf-8';
const verdict = (amiss: readonly string[]): Page => (amiss.length === 0 ? { status: 200, contentType: TEXT, text: 'ok\n' } : { status: 503, contentType: TEXT, text: amiss.map((line) => `${line}\n`).join('') });
