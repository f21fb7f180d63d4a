// The webhook's HTTPS server: the only place that knows HTTP. Reads a bounded review, has it answered, and leaves without cutting anybody off.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { CertificateSource, ServingCertificate } from '../certs/certificate-source.ts';
import { admit, type Admission } from './admit.ts';
import { readBody } from './body.ts';

export type { AdmissionOutcome } from './admit.ts';

/** Where the webhook configuration sends reviews. */
export const WEBHOOK_PATH = '/mutate-pods';

export interface WebhookOptions extends Admission {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly certificates: CertificateSource;
  /** How long an answer may take, lookups included; below the 5 s of the webhook configuration. Default 4,000. */
  readonly reviewDeadlineMs?: number;
  /** Reviews worked on at once; more are answered 503. Default 256. */
  readonly maxConcurrent?: number;
}

export interface Webhook {
  readonly port: number;
  /**
   * Serves `lingerMs` more with `Connection: close` (the API server reuses connections and may not know yet that this endpoint is leaving),
   * then closes and resolves when the last answer is out. The caller fails its readiness first.
   */
  stop(lingerMs: number): Promise<void>;
}

const BODY_LIMIT_BYTES = 7 * 1024 * 1024; // the API server's own limit on a request is 3 MiB; a review may hold the object twice
const KEEP_ALIVE_MS = 90_000; // Node's 5 s race against the API server, which keeps idle connections for 90 s
const HEADERS_MS = 32_000;
const REVIEW_DEADLINE_MS = 4_000;
const MAX_CONCURRENT = 256;
const HELD_LIMIT_BYTES = 32 * 1024 * 1024; // a process of 512 MiB (the chart) must not end by what anybody sends; a thousand usual reviews
const MAX_CONNECTIONS = 1024;

/** Resolves when it listens. `certificates.current()` must be there already. */
export async function startWebhook(options: WebhookOptions): Promise<Webhook> {
  const { host, port, certificates, log, reviewDeadlineMs = REVIEW_DEADLINE_MS, maxConcurrent = MAX_CONCURRENT } = options;
  let working = 0;
  let heldBytes = 0; // of all reviews that are being worked on
  let leaving = false;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (leaving) response.shouldKeepAlive = false;
    if (request.method !== 'POST' || request.url?.split('?')[0] !== WEBHOOK_PATH) return say(response, 404, `POST reviews to ${WEBHOOK_PATH}`);
    if (request.headers['content-type']?.split(';')[0]?.trim() !== 'application/json') return say(response, 415, 'a review is application/json');
    if (working >= maxConcurrent) return busy(response);
    working += 1;
    let taken = 0;
    try {
      const signal = AbortSignal.timeout(reviewDeadlineMs);
      const take = (bytes: number): boolean => {
        if (heldBytes + bytes > HELD_LIMIT_BYTES) return false;
        heldBytes += bytes;
        taken += bytes;
        return true;
      };
      const read = await readBody(request, BODY_LIMIT_BYTES, take, signal);
      if (read.kind === 'too long') return say(response, 413, `a review has at most ${String(BODY_LIMIT_BYTES)} bytes`);
      if (read.kind === 'no room') return busy(response);
      const { status, body } = await admit(read.text, options, signal);
      if (leaving) response.shouldKeepAlive = false;
      if (status !== 200) return say(response, status, body);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
    } finally {
      working -= 1;
      heldBytes -= taken;
    }
  };

  function busy(response: ServerResponse): void {
    options.onOutcome({ result: 'fault', reason: 'Overload', milliseconds: 0 });
    say(response, 503, `weightlock: ${String(working)} reviews are being answered already`);
  }

  const server = createServer(
    { ...secure(certificates.current()), keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: HEADERS_MS, requestTimeout: HEADERS_MS },
    (request, response) => {
      answer(request, response).catch(() => {
        response.destroy(); // the peer went away, or took too long to send its review
      });
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  const unsubscribe = certificates.onChange((certificate) => {
    try {
      server.setSecureContext(secure(certificate));
    } catch (error) {
      log.error(`the new serving certificate is unusable, the one before stays: ${error instanceof Error ? error.message : String(error)}`);
    }
  });
  server.listen(port, host);
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    async stop(lingerMs) {
      leaving = true;
      await pause(lingerMs);
      unsubscribe();
      const closed = once(server, 'close');
      server.close(); // ends idle connections too
      const overdue = setTimeout(() => {
        server.closeAllConnections();
      }, reviewDeadlineMs);
      await closed;
      clearTimeout(overdue);
    },
  };
}

const secure = ({ certificate, key }: ServingCertificate) => ({ cert: certificate, key, minVersion: 'TLSv1.3' as const });

/** Ends the connection as well: what follows an answer like this is no review either. */
function say(response: ServerResponse, status: number, sentence: string): void {
  response.shouldKeepAlive = false;
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${sentence}\n`);
}
