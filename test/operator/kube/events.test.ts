// Events as a real API server takes them.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type ApiClient, connect } from '../../../operator/kube/client.ts';
import { type Occurrence, type Recorder, recorder } from '../../../operator/kube/events.ts';
import { collectionPath, EVENTS, type Resource } from '../../../operator/kube/resource.ts';
import { type ApiServer, startApiServer } from '../../support/apiserver.ts';
import { eventually } from '../../support/eventually.ts';
import { type KeptLog, keptLog } from '../../support/kept-log.ts';

const NAMESPACES: Resource = { group: '', version: 'v1', plural: 'namespaces' };
const soon = (): AbortSignal => AbortSignal.timeout(30_000);

interface Event {
  readonly metadata: { readonly name: string };
  readonly reason: string;
  readonly note: string;
  readonly type: string;
  readonly regarding: { readonly kind: string; readonly name: string };
  readonly reportingController: string;
  readonly series?: { readonly count: number };
}

let server: ApiServer;
let client: ApiClient;
let namespace: string;
let stop: AbortController;
let ended: Promise<unknown>[] = [];
let round = 0;

function start(log: KeptLog = keptLog()): Recorder {
  const events = recorder({ client, instance: 'operator-1', controller: 'weightlock.dev/operator', log });
  ended.push(events.run(stop.signal));
  return events;
}
const told = async (): Promise<readonly Event[]> => (await client.json<{ items: Event[] }>({ method: 'GET', path: collectionPath(EVENTS, namespace), signal: soon() })).items;

function failure(more: Partial<Occurrence> = {}): Occurrence {
  const regarding = { apiVersion: 'v1', kind: 'Pod', namespace, name: 'llama-0', uid: '6f1c' };
  return { type: 'Warning', regarding, reason: 'E_KMS_DENIED', action: 'LoadModel', note: 'the key may not be used. Grant kms:Decrypt.', count: 1, ...more };
}

beforeAll(async () => {
  server = await startApiServer();
  client = connect(server.config(), 'test');
}, 120_000);
afterAll(async () => {
  await client.close();
  await server.close();
});
beforeEach(async () => {
  stop = new AbortController();
  ended = [];
  namespace = `events-${String((round += 1))}`;
  await client.json({ method: 'POST', path: collectionPath(NAMESPACES), body: { metadata: { name: namespace } }, signal: soon() });
});
afterEach(async () => {
  stop.abort();
  await Promise.all(ended);
});

describe('the recorder of Events', () => {
  test('tells what happened to what, as kubectl describe shows it', async () => {
    start().record(failure({ related: { apiVersion: 'weightlock.dev/v1alpha1', kind: 'EncryptedModel', namespace, name: 'llama', uid: '77' } }));
    const [event] = await eventually('an Event', async () => ((await told()).length === 1 ? await told() : undefined));
    expect(event).toMatchObject({
      type: 'Warning', reason: 'E_KMS_DENIED', note: 'the key may not be used. Grant kms:Decrypt.', action: 'LoadModel',
      regarding: { kind: 'Pod', name: 'llama-0', uid: '6f1c' }, related: { kind: 'EncryptedModel', name: 'llama' },
      reportingController: 'weightlock.dev/operator', reportingInstance: 'operator-1',
    });
  });

  test('counts what happens again in one series, and tells nothing twice', async () => {
    const events = start();
    events.record(failure());
    await eventually('the first', async () => (await told()).length === 1);
    for (let i = 0; i < 20; i++) events.record(failure({ count: 5 }));
    await eventually('the count', async () => (await told())[0]?.series?.count === 5);
    events.record(failure({ count: 3 })); // a pod of those counted went away
    events.record(failure({ note: 'something else', count: 1 }));
    await eventually('another Event', async () => (await told()).length === 2);
    expect(new Set((await told()).map(({ series }) => series?.count))).toEqual(new Set([5, undefined]));
  });

  test('a replica that starts anew finds its Events told', async () => {
    start().record(failure({ count: 2 }));
    await eventually('the first', async () => (await told()).length === 1);
    const successor = start();
    successor.record(failure({ count: 2 }));
    successor.record(failure({ count: 4 }));
    await eventually('the count', async () => (await told())[0]?.series?.count === 4);
    expect(await told()).toHaveLength(1);
  });

  test('tells again what the API server forgot after its hour', async () => {
    const events = start();
    events.record(failure({ count: 2 }));
    await eventually('the first', async () => (await told()).length === 1);
    await client.json({ method: 'DELETE', path: collectionPath(EVENTS, namespace), signal: soon() });
    events.record(failure({ count: 3 }));
    await eventually('the Event again', async () => (await told())[0]?.series?.count === 3);
  });

  test('cuts a note at a character, and takes names as long as they may be', async () => {
    const regarding = { ...failure().regarding, name: `${'a'.repeat(235)}-${'b'.repeat(17)}` };
    start().record(failure({ note: `x${'é'.repeat(2000)}`, regarding }));
    const [event] = await eventually('an Event', async () => ((await told()).length === 1 ? await told() : undefined));
    expect(Buffer.byteLength(event?.note ?? '')).toBeLessThanOrEqual(1024);
    expect(event?.note).toMatch(/^xé+…$/);
  });

  test('gives up what the API server refuses for good, says so once, and goes on', async () => {
    const log = keptLog();
    const events = start(log);
    events.record(failure({ regarding: { ...failure().regarding, namespace: 'no-such-namespace', uid: 'a1' } }));
    events.record(failure());
    await eventually('the good one', async () => (await told()).length === 1);
    await eventually('the bad one in the log', () => log.lines.some(({ message }) => message === 'an Event could not be told'));
    expect(log.lines).toHaveLength(1);
  });

  test('drops what is too much instead of growing, and the API server being away loses nothing of the rest', async () => {
    const log = keptLog();
    const events = recorder({ client, instance: 'operator-1', controller: 'weightlock.dev/operator', log }); // does not run yet
    for (let i = 0; i < 1003; i++) events.record(failure({ note: `note ${String(i)}` }));
    expect(log.lines.filter(({ message }) => message.startsWith('too many Events'))).toHaveLength(3);
    await server.kill();
    ended.push(events.run(stop.signal));
    await server.start();
    await eventually('all of the rest', async () => (await told()).length === 1000, 60_000);
  }, 120_000);
});
