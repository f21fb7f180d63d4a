// A real TLS server, real reviews, and a client that misbehaves in every way a port on a network meets.
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { applyPatch, type JsonPatch } from '../../../core/injection/patch.ts';
import type { ServingCertificate } from '../../../operator/certs/certificate-source.ts';
import { selfManaged, type SelfManaged } from '../../../operator/certs/self-managed.ts';
import type { ModelLookup } from '../../../operator/kube/model-lookup.ts';
import { type AdmissionOutcome, startWebhook, type Webhook, type WebhookOptions } from '../../../operator/webhook/server.ts';
import { readFixture, SETTINGS } from '../../core/injection/fixture.ts';
import { eventually } from '../../support/eventually.ts';
import { type KeptLog, keptLog } from '../../support/kept-log.ts';
import { type KeptSecret, keptSecret } from '../certs/kept-secret.ts';
import { podFor, reviewOf } from './review-of.ts';

const NAME = 'weightlock.weightlock-system.svc';
const { models } = readFixture('bare-pod');

let secret: KeptSecret;
let certificates: SelfManaged;
let webhook: Webhook;
let log: KeptLog;
let outcomes: AdmissionOutcome[];
let agent: Agent;
let lookup: ModelLookup;

async function start(changes: Partial<WebhookOptions> = {}): Promise<void> {
  webhook = await startWebhook({
    host: '127.0.0.1',
    port: 0,
    certificates,
    lookup: (...asked) => lookup(...asked),
    settings: SETTINGS,
    log,
    onOutcome: (outcome) => outcomes.push(outcome),
    ...changes,
  });
}

beforeEach(async () => {
  secret = keptSecret();
  log = keptLog();
  outcomes = [];
  lookup = (_namespace, name) => Promise.resolve(models.get(name));
  certificates = selfManaged({ keeper: secret, dnsNames: [NAME], isLeader: () => true, log, now: Date.now });
  await certificates.look(AbortSignal.timeout(10_000));
  agent = new Agent({ keepAlive: true, maxSockets: Infinity });
});
afterEach(async () => {
  agent.destroy();
  await webhook.stop(0);
});

interface Answered {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

async function send(body: string | Buffer, { path = '/mutate-pods?timeout=5s', method = 'POST', type = 'application/json' } = {}): Promise<Answered> {
  const sent = request({
    host: '127.0.0.1',
    port: webhook.port,
    servername: NAME,
    ca: secret.bundle,
    agent,
    path,
    method,
    headers: { 'content-type': type, 'content-length': Buffer.byteLength(body) },
  });
  sent.on('error', () => undefined); // a server that has answered may close while we still send
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString('utf8') };
}

interface Verdict {
  readonly uid: string;
  readonly allowed: boolean;
  readonly patchType?: string;
  readonly patch?: string;
  readonly status?: { readonly code: number; readonly message: string };
}

async function review(pod: unknown, changes: Readonly<Record<string, unknown>> = {}): Promise<Verdict> {
  const { status, text } = await send(JSON.stringify(reviewOf(pod, changes)));
  if (status !== 200) throw new Error(`${String(status)} ${text}`);
  const answer = JSON.parse(text) as { kind: string; apiVersion: string; response: Verdict };
  expect(answer).toMatchObject({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' });
  return answer.response;
}

const patchOf = ({ patch = '' }: Verdict): JsonPatch => JSON.parse(Buffer.from(patch, 'base64').toString('utf8')) as JsonPatch;

describe('a review', () => {
  beforeEach(() => start());

  test('of a pod that asks for a model is answered with a patch, and a second one with none', async () => {
    const first = await review(podFor('llama-ft-7'));
    expect(first).toMatchObject({ uid: '705ab4f5-6393-11e8-b7cc-42010a800002', allowed: true, patchType: 'JSONPatch' });
    const injected = applyPatch(podFor('llama-ft-7'), patchOf(first));
    expect(injected.spec.initContainers?.map(({ name }) => name)).toEqual(['weightlock-llama-ft-7']);
    expect(await review(injected)).toEqual({ uid: first.uid, allowed: true });
    expect(outcomes.map(({ result, reason }) => [result, reason])).toEqual([
      ['inject', ''],
      ['unchanged', ''],
    ]);
  });

  test('of a pod that does not ask is answered with nothing', async () => {
    expect(await review({ metadata: {}, spec: { containers: [{ name: 'a' }] } })).toEqual({ uid: expect.any(String), allowed: true });
    expect(outcomes).toMatchObject([{ result: 'skip', reason: 'NotLabelled' }]);
  });

  test('is a refusal in words, with HTTP 200, where the pod cannot have what it asks for', async () => {
    const { allowed, status } = await review(podFor('llama-ft-8'));
    expect([allowed, status]).toEqual([
      false,
      {
        code: 403,
        reason: 'Forbidden',
        message:
          'there is no EncryptedModel serving/llama-ft-8. Apply it (kubectl get encryptedmodels -n serving lists what is there), or correct annotation weightlock.dev/models. [ModelNotFound]',
      },
    ]);
    expect(outcomes).toMatchObject([{ result: 'deny', reason: 'ModelNotFound' }]);
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ namespace: 'serving', pod: 'llama-7c9-*', reason: 'ModelNotFound' }) }),
    );
  });

  test("takes the namespace from the request: the pod's own is a claim", async () => {
    const asked: string[] = [];
    lookup = (namespace, name) => {
      asked.push(`${namespace}/${name}`);
      return Promise.resolve(undefined);
    };
    await review({ ...podFor('llama-ft-7'), metadata: { ...podFor('llama-ft-7').metadata, namespace: 'elsewhere' } });
    expect(asked).toEqual(['serving/llama-ft-7']);
  });

  test('is a fault, HTTP 500, where nobody can say whether the model exists: failurePolicy decides', async () => {
    lookup = () => Promise.reject(new Error('connect ECONNREFUSED'));
    expect(await send(JSON.stringify(reviewOf(podFor('llama-ft-7'))))).toMatchObject({
      status: 500,
      text: expect.stringContaining('EncryptedModel serving/llama-ft-7 could not be looked up: connect ECONNREFUSED'),
    });
    expect(outcomes).toMatchObject([{ result: 'fault', reason: 'Lookup' }]);
  });

  test.each<[string, string]>([
    ['no JSON', '{'],
    ['another kind', JSON.stringify({ ...reviewOf({}), kind: 'ConversionReview' })],
    ['an older version', JSON.stringify({ ...reviewOf({}), apiVersion: 'admission.k8s.io/v1beta1' })],
    ['no request', JSON.stringify({ ...reviewOf({}), request: null })],
    ['no uid', JSON.stringify(reviewOf(podFor('a'), { uid: '' }))],
    ['no namespace', JSON.stringify(reviewOf(podFor('a'), { namespace: '' }))],
    ['an update', JSON.stringify(reviewOf(podFor('a'), { operation: 'UPDATE' }))],
    ['a subresource', JSON.stringify(reviewOf(podFor('a'), { subResource: 'exec' }))],
    ['something else than a pod', JSON.stringify(reviewOf(podFor('a'), { resource: { group: '', version: 'v1', resource: 'secrets' } }))],
    ['a pod that is none', JSON.stringify(reviewOf({ spec: 'x' }))],
  ])('with %s is refused as a request', async (_what, body) => {
    expect((await send(body)).status).toBe(400);
    expect(outcomes).toMatchObject([{ result: 'fault', reason: 'BadRequest' }]);
  });
});

describe('the port', () => {
  test('speaks TLS 1.3 and nothing older', async () => {
    await start();
    const socket: TLSSocket = connect({ host: '127.0.0.1', port: webhook.port, ca: secret.bundle ?? '', servername: NAME, maxVersion: 'TLSv1.2' });
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  });

  test.each([
    ['another path', { path: '/' }, 404],
    ['another method', { method: 'PUT' }, 404],
    ['another type', { type: 'application/yaml' }, 415],
  ])('answers %s with %j: %i', async (_what, how, status) => {
    await start();
    expect((await send('{}', how)).status).toBe(status);
  });

  test('quotes no more than a sentence of what it refuses, to the peer and to the log', async () => {
    await start();
    const { status, text } = await send(JSON.stringify(reviewOf({ metadata: { labels: { ['x'.repeat(1024 * 1024)]: 1 } }, spec: {} })));
    expect({ status, bytes: text.length < 3000 }).toEqual({ status: 400, bytes: true });
    expect(log.lines.filter(({ level }) => level === 'error').map(({ message }) => message.length < 2000)).toEqual([true]);
  });

  test('reads no more than 7 MiB, announced or not', async () => {
    await start();
    expect((await send(Buffer.alloc(7 * 1024 * 1024 + 1, 0x20))).status).toBe(413);
    const sent = request({
      host: '127.0.0.1',
      port: webhook.port,
      servername: NAME,
      ca: secret.bundle,
      agent,
      path: '/mutate-pods',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    sent.on('error', () => undefined);
    const feed = setInterval(() => sent.write(Buffer.alloc(1024 * 1024, 0x20)), 1);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    clearInterval(feed);
    sent.destroy();
    expect(response.statusCode).toBe(413);
  });

  test('gives up on a review that does not arrive, and serves the next', async () => {
    await start({ reviewDeadlineMs: 200 });
    const sent = request({
      host: '127.0.0.1',
      port: webhook.port,
      servername: NAME,
      ca: secret.bundle,
      agent,
      path: '/mutate-pods',
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': 100 },
    });
    sent.write('{');
    const [error] = (await once(sent, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    expect((await review(podFor('llama-ft-7'))).allowed).toBe(true);
  });

  test('turns away what is too much at once, and takes more when there is room again', async () => {
    await start({ maxConcurrent: 2 });
    const { promise, resolve } = Promise.withResolvers<undefined>();
    lookup = async (_namespace, name) => {
      await promise;
      return models.get(name);
    };
    const working = [review(podFor('llama-ft-7')), review(podFor('llama-ft-7'))];
    await eventually(
      'the third to be turned away',
      async () => (await send(JSON.stringify(reviewOf({ metadata: {}, spec: { containers: [] } })))).status === 503,
    );
    expect(outcomes).toContainEqual({ result: 'fault', reason: 'Overload', milliseconds: 0 });
    resolve(undefined);
    expect((await Promise.all(working)).map(({ allowed }) => allowed)).toEqual([true, true]);
    expect((await review(podFor('llama-ft-7'))).allowed).toBe(true);
  });

  test('holds no more of all that is sent at once than it has memory for, and takes more when that is gone', async () => {
    await start({ reviewDeadlineMs: 20_000 });
    const unfinished = Array.from({ length: 8 }, () => {
      const headers = { 'content-type': 'application/json', 'content-length': 7 * 1024 * 1024 };
      const sent = request({ host: '127.0.0.1', port: webhook.port, servername: NAME, ca: secret.bundle, agent, path: '/mutate-pods', method: 'POST', headers });
      sent.on('error', () => undefined);
      sent.write(Buffer.alloc(6 * 1024 * 1024, 0x20));
      return sent;
    });
    await eventually('one to be turned away', () => Promise.resolve(outcomes.some(({ reason }) => reason === 'Overload')));
    for (const sent of unfinished) sent.destroy();
    await eventually('a review to be taken again', async () => (await send(JSON.stringify(reviewOf(podFor('llama-ft-7'))))).status === 200);
  });

  test('serves a new certificate to new connections without closing the old', async () => {
    await start();
    await review(podFor('llama-ft-7'));
    const before = secret.bundle;
    secret.data = {}; // a new CA, whose leaf the old bundle does not know
    await certificates.look(AbortSignal.timeout(10_000));
    expect(secret.bundle).not.toBe(before);
    const fresh = connect({ host: '127.0.0.1', port: webhook.port, ca: secret.bundle ?? '', servername: NAME });
    await once(fresh, 'secureConnect');
    fresh.destroy();
    expect((await review(podFor('llama-ft-7'))).allowed).toBe(true);
  });

  test('keeps what it has when a new certificate is unusable', async () => {
    const listeners: ((certificate: ServingCertificate) => void)[] = [];
    const onChange = (listener: (certificate: ServingCertificate) => void) => {
      listeners.push(listener);
      return () => undefined;
    };
    await start({ certificates: { current: () => certificates.current(), onChange } });
    for (const listener of listeners) listener({ certificate: 'x', key: 'y' });
    expect((await review(podFor('llama-ft-7'))).allowed).toBe(true);
    expect(log.lines.some(({ level, message }) => level === 'error' && message.includes('the one before stays'))).toBe(true);
  });
});

describe('leaving', () => {
  test('it serves on for a while and asks connections to close, lets the last answer out, and is gone', async () => {
    await start();
    expect((await send(JSON.stringify(reviewOf(podFor('llama-ft-7'))))).headers.connection).toBe('keep-alive');
    const { promise, resolve } = Promise.withResolvers<undefined>();
    lookup = async (_namespace, name) => {
      await promise;
      return models.get(name);
    };
    const working = send(JSON.stringify(reviewOf(podFor('llama-ft-7'))));
    const stopped = webhook.stop(300);
    lookup = (_namespace, name) => Promise.resolve(models.get(name));
    const late = await send(JSON.stringify(reviewOf(podFor('llama-ft-7'))));
    expect([late.status, late.headers.connection]).toEqual([200, 'close']);
    await eventually('the port to refuse', async () => {
      const socket = connect({ host: '127.0.0.1', port: webhook.port, rejectUnauthorized: false });
      try {
        await once(socket, 'secureConnect');
        return false;
      } catch {
        return true;
      } finally {
        socket.destroy();
      }
    });
    resolve(undefined);
    expect(await working).toMatchObject({ status: 200, headers: { connection: 'close' } });
    await stopped;
  });

  test('it does not wait for a peer that never ends', async () => {
    await start({ reviewDeadlineMs: 300 });
    const idle = connect({ host: '127.0.0.1', port: webhook.port, ca: secret.bundle ?? '', servername: NAME });
    await once(idle, 'secureConnect');
    idle.write('POST /mutate-pods HTTP/1.1\r\nhost: x\r\n');
    idle.on('error', () => undefined);
    await webhook.stop(0);
    idle.destroy();
  });
});
