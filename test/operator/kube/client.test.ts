// The client against HTTPS servers of the test's own: what a real API server would have to be made to do.
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createSecureServer, type Http2SecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Authority, makeAuthority } from '../../../operator/certs/authority.ts';
import { signLeaf } from '../../../operator/certs/leaf.ts';
import { ApiError } from '../../../operator/kube/api-error.ts';
import { type ApiClient, connect } from '../../../operator/kube/client.ts';
import { eventually } from '../../support/eventually.ts';

type Answer = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

let folder: string;
let authority: Authority;
let server: Http2SecureServer;
let port: number;
let connections: number;
let open: Set<{ destroy(): void }>;
let answer: Answer;
let clients: ApiClient[];

const call = (more: object = {}) => ({ method: 'GET', path: '/api/v1/pods', signal: AbortSignal.timeout(20_000), ...more }) as const;
const ok: Answer = (_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"kind":"PodList"}');

function client(deadlineMs?: number): ApiClient {
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'c', server: `https://localhost:${String(port)}/clusters/a/`, caFile: join(folder, 'ca.crt'), skipTLSVerify: false }, { name: 'u', token: 'the-token' });
  const made = connect(config, 'weightlock-test', deadlineMs);
  clients.push(made);
  return made;
}
/** A CA of its own, and what the server shows from now on. */
async function newAuthority(): Promise<void> {
  authority = await makeAuthority(Date.now());
}
const trustIt = (): Promise<void> => writeFile(join(folder, 'ca.crt'), authority.certificate.toString('pem'));
const secure = async (): Promise<{ cert: string; key: string }> => {
  const { certificate: cert, key } = await signLeaf(authority, ['localhost'], Date.now());
  return { cert, key };
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weightlock-client-'));
  await newAuthority();
  await trustIt();
  connections = 0;
  open = new Set();
  clients = [];
  answer = ok;
  server = createSecureServer({ ...(await secure()), allowHTTP1: true }, (request, response) => answer(request, response));
  server.on('connection', (socket: { destroy(): void }) => {
    connections += 1;
    open.add(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as { port: number }).port;
});
afterEach(async () => {
  await Promise.all(clients.map((one) => one.close()));
  for (const socket of open) socket.destroy();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

describe('the client', () => {
  test('says who it is, keeps the path prefix, and uses a connection again', async () => {
    const heads: unknown[] = [];
    answer = (request, response) => {
      heads.push({ url: request.url, agent: request.headers['user-agent'], authorization: request.headers.authorization, version: request.httpVersion });
      ok(request, response);
    };
    const api = client();
    for (let i = 0; i < 20; i++) expect(await api.json(call({ query: { limit: 5, continue: undefined } }))).toEqual({ kind: 'PodList' });
    expect(heads[0]).toEqual({ url: '/clusters/a/api/v1/pods?limit=5', agent: 'weightlock-test', authorization: 'Bearer the-token', version: '1.1' });
    expect(connections).toBeLessThanOrEqual(2); // the next call may come before the last one's connection is known to be free
  });

  test('sends a body with its kind', async () => {
    const seen: unknown[] = [];
    answer = (request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => seen.push([request.headers['content-type'], JSON.parse(text)]));
      ok(request, response);
    };
    const api = client();
    await api.json(call({ method: 'POST', body: { a: 1 } }));
    await api.json(call({ method: 'PATCH', body: { b: 2 }, contentType: 'application/merge-patch+json' }));
    expect(seen).toEqual([['application/json', { a: 1 }], ['application/merge-patch+json', { b: 2 }]]);
  });

  test('makes of a refusal an error with its status and reason, also of one that is no Status', async () => {
    const api = client();
    answer = (_request, response) => void response.writeHead(409).end(JSON.stringify({ kind: 'Status', reason: 'AlreadyExists', message: 'pods "a" already exists' }));
    const refused = await api.json(call()).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ApiError);
    expect(refused).toMatchObject({ status: 409, reason: 'AlreadyExists', message: 'GET /api/v1/pods: 409 pods "a" already exists' });
    answer = (_request, response) => void response.writeHead(502).end('<html>bad gateway</html>');
    await expect(api.json(call())).rejects.toMatchObject({ status: 502, reason: '', message: 'GET /api/v1/pods: 502 <html>bad gateway</html>' });
  });

  test.each([
    ['before its head', () => undefined],
    ['in the middle of its body', (_request: Http2ServerRequest, response: Http2ServerResponse) => void response.writeHead(200).write('{"kind":')],
  ] as [string, Answer][])('gives up an answer that does not come: %s', async (_when, slow) => {
    answer = slow;
    await expect(client(200).json(call())).rejects.toThrow(/timeout/i);
  });

  test("obeys the caller's signal", async () => {
    answer = () => undefined;
    const stop = new AbortController();
    const calling = client().json(call({ signal: stop.signal }));
    await eventually('the call under way', () => connections === 1);
    stop.abort(new Error('enough'));
    await expect(calling).rejects.toThrow('enough');
  });

  test('reads a watch line by line, and gives up one that says nothing', async () => {
    answer = (_request, response) => void response.writeHead(200).write('{"type":"ADDED"}\n{"type":"BOOKMARK"}\n');
    const lines: string[] = [];
    const reading = (async () => {
      for await (const line of client().lines(call(), 300)) lines.push(line);
    })();
    await expect(reading).rejects.toThrow(/timeout/i);
    expect(lines).toEqual(['{"type":"ADDED"}', '{"type":"BOOKMARK"}']);
  });

  test('lets go of the connection when the reader of a watch stops', async () => {
    const closed = Promise.withResolvers<void>();
    answer = (request, response) => {
      request.on('close', () => closed.resolve());
      response.writeHead(200).write('{"type":"ADDED"}\n');
    };
    for await (const line of client().lines(call(), 10_000)) {
      expect(line).toBe('{"type":"ADDED"}');
      break;
    }
    await closed.promise;
  });

  test('follows a CA that is replaced on disk, without a restart', async () => {
    const api = client();
    await api.json(call());
    await newAuthority();
    server.setSecureContext(await secure());
    for (const socket of open) socket.destroy();
    await eventually('the new certificate is not trusted', () => api.json(call()).then(() => false, (error: { code?: string }) => error.code?.includes('CERT') === true || error.code?.includes('SIGNATURE') === true));
    await trustIt();
    await eventually('calls go through again', () => api.json(call()).then(() => true));
  });

  test('refuses to speak without TLS', () => {
    const config = new KubeConfig();
    config.loadFromClusterAndUser({ name: 'c', server: 'http://localhost:8080', skipTLSVerify: true }, { name: 'u' });
    expect(() => connect(config, 'weightlock-test')).toThrow('https://');
  });
});
