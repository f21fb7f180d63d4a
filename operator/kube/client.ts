// The one way to the API server: JSON calls and watch streams over shared connections, each with a deadline.
// client-node supplies what a kubeconfig or a service account means (TLS, token files, exec plugins). Its typed calls are not used:
// they open a connection each, take no deadline, and copy every object twice (20,000 pods are listed through here).
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { HttpMethod, type KubeConfig, RequestContext } from '@kubernetes/client-node';
import { readStatus } from './api-error.ts';
import { splitLines } from './lines.ts';

export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From resource.ts, e.g. `/api/v1/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default `application/json`; a PATCH says its kind. */
  readonly contentType?: string;
  /** Aborts the call; its reason is what the promise rejects with. */
  readonly signal: AbortSignal;
}

export interface ApiClient {
  /** The decoded answer. Rejects with ApiError (the server said no), the signal's reason, or a network error; never later than the client's deadline. */
  json<T>(call: ApiCall): Promise<T>;
  /** The lines of a watch as they arrive, until the server ends it; throws where `silenceMs` pass without a byte. */
  lines(call: ApiCall, silenceMs: number): AsyncGenerator<string, void, undefined>;
  /** Ends all connections; calls in flight fail. */
  close(): Promise<void>;
}

const REQUEST_DEADLINE_MS = 30_000; // the API server gives up after 60 s: we must know first
const CREDENTIALS_FRESH_MS = 30_000; // kubelets renew a projected token at 80 % of its life; client-go re-reads every 60 s
const LINE_LIMIT_BYTES = 16 * 1024 * 1024; // etcd refuses objects over 1.5 MiB: a longer line is no watch event

type Dispatcher = NonNullable<ReturnType<RequestContext['getDispatcher']>>;

interface Session {
  readonly dispatcher: Dispatcher;
  readonly headers: Record<string, string>;
  /** Digest of what the TLS connections were made from: another one means new connections. */
  readonly tls: string;
  readonly readAtMs: number;
}

/** A client for the current context of `config`. Token, CA and client certificate are read again as they change on disk, and after any failed connection. */
export function connect(config: KubeConfig, userAgent: string, deadlineMs: number = REQUEST_DEADLINE_MS): ApiClient {
  const server = config.getCurrentCluster()?.server.replace(/\/+$/, '');
  if (server === undefined || !server.startsWith('https://')) throw new Error(`the kubeconfig must name an https:// API server, it names ${server ?? 'none'}`);
  let session: Session | undefined;
  let opening: Promise<Session> | undefined;
  /** Every dispatcher that may still have a call in flight. */
  const dispatchers = new Set<Dispatcher>();

  async function open(): Promise<Session> {
    const tls = await fingerprint(config);
    const context = new RequestContext(server + '/', HttpMethod.GET);
    await config.applySecurityAuthentication(context);
    const fresh = context.getDispatcher();
    if (fresh === undefined) throw new Error(`no TLS settings for ${server ?? ''} in the kubeconfig`);
    const headers = { ...context.getHeaders(), 'user-agent': userAgent, accept: 'application/json' };
    const previous = session;
    const kept = previous !== undefined && previous.tls === tls;
    session = { dispatcher: kept ? previous.dispatcher : fresh, headers, tls, readAtMs: performance.now() };
    dispatchers.add(fresh);
    const unused = kept ? fresh : previous?.dispatcher;
    unused?.close().catch(() => undefined).finally(() => dispatchers.delete(unused)); // after its last call: a watch under the old CA runs out by itself
    return session;
  }

  function current(): Promise<Session> {
    if (session !== undefined && performance.now() - session.readAtMs < CREDENTIALS_FRESH_MS) return Promise.resolve(session);
    opening ??= open().finally(() => {
      opening = undefined;
    });
    return opening;
  }

  async function send(call: ApiCall, bodyTimeout: number) {
    const used = await current();
    const { dispatcher, headers } = used;
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(call.query ?? {})) if (value !== undefined) query.set(key, String(value));
    const prefix = new URL(server ?? '').pathname.replace(/\/$/, '');
    const request = {
      allowH2: false, // one connection for everything would be one to lose: an API server that is gone without a word would take all calls down at once
      origin: new URL(server ?? '').origin,
      path: `${prefix}${call.path}${query.size === 0 ? '' : `?${query.toString()}`}`,
      method: call.method,
      headers: call.body === undefined ? headers : { ...headers, 'content-type': call.contentType ?? 'application/json' },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      headersTimeout: deadlineMs,
      bodyTimeout,
      signal: call.signal,
    };
    const answer = await dispatcher.request(request).catch((error: unknown) => {
      stale(used); // perhaps the CA was replaced
      throw error;
    });
    if (answer.statusCode < 300) return answer;
    if (answer.statusCode === 401) stale(used); // perhaps the token was
    throw readStatus(`${call.method} ${call.path}`, answer.statusCode, await answer.body.text());
  }

  function stale(used: Session): void {
    if (session === used) session = { ...used, readAtMs: Number.NEGATIVE_INFINITY };
  }

  return {
    async json<T>(call: ApiCall): Promise<T> {
      const signal = AbortSignal.any([call.signal, AbortSignal.timeout(deadlineMs)]);
      const answer = await send({ ...call, signal }, deadlineMs);
      return (await answer.body.json()) as T;
    },
    async *lines(call: ApiCall, silenceMs: number): AsyncGenerator<string, void, undefined> {
      const answer = await send(call, silenceMs);
      yield* splitLines(answer.body, LINE_LIMIT_BYTES);
    },
    async close(): Promise<void> {
      await Promise.all([...dispatchers].map((dispatcher) => dispatcher.destroy()));
    },
  };
}

/** What connections are made from: a digest of the CA, client certificate and key as they are now. */
async function fingerprint(config: KubeConfig): Promise<string> {
  const cluster = config.getCurrentCluster();
  const user = config.getCurrentUser();
  const hash = createHash('sha256');
  for (const file of [cluster?.caFile, user?.certFile, user?.keyFile]) hash.update(file === undefined || file === null ? '-' : await readFile(file)).update('\0');
  for (const data of [cluster?.caData, user?.certData, user?.keyData]) hash.update(data ?? '-').update('\0');
  return hash.digest('hex');
}
