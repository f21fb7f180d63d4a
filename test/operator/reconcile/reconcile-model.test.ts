// Models and pods on a real API server; a pod's status is written as its kubelet would.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { EncryptedModel, EncryptedModelSpec } from '../../../core/api/encrypted-model.ts';
import { API_GROUP, API_VERSION, INJECT_LABEL, KIND } from '../../../core/api/names.ts';
import { type ApiClient, connect } from '../../../operator/kube/client.ts';
import { recorder } from '../../../operator/kube/events.ts';
import { createObject, getObject } from '../../../operator/kube/objects.ts';
import { reflector, type Reflector } from '../../../operator/kube/reflector.ts';
import { collectionPath, ENCRYPTED_MODELS, EVENTS, objectPath, PODS } from '../../../operator/kube/resource.ts';
import { modelsOf, type ObservedPod, observePod, type RawPod } from '../../../operator/reconcile/pod.ts';
import { reconcileModel, type StoredModel, trimModel, type World } from '../../../operator/reconcile/reconcile-model.ts';
import { type ApiServer, startApiServer } from '../../support/apiserver.ts';
import { installCrd } from '../../support/crd.ts';
import { eventually } from '../../support/eventually.ts';
import { keptLog } from '../../support/kept-log.ts';
import { DENIED, IMAGE, OUTCOME } from './pods.ts';

const NAMESPACE = 'default';
const KEY = `${NAMESPACE}/llama`;
const soon = (): AbortSignal => AbortSignal.timeout(30_000);
const SPEC: EncryptedModelSpec = {
  source: { s3: { bucket: 'models', prefix: 'llama', region: 'eu-west-1' } },
  keys: [{ awsKms: { keyArn: 'arn:aws:kms:eu-west-1:111122223333:key/0e5a' } }],
  model: { name: 'acme/llama', version: '7' },
  manifest: { digest: `sha256:${'a'.repeat(64)}`, lineage: 'b'.repeat(64), bytes: 91_000_000, files: 3 },
};

let server: ApiServer;
let client: ApiClient;
let stop: AbortController;
let loops: Promise<void>[];
let models: Reflector<StoredModel>;
let pods: Reflector<ObservedPod>;
let world: World;
let nowMs: number;

const create = (spec: EncryptedModelSpec = SPEC): Promise<unknown> =>
  createObject(client, ENCRYPTED_MODELS, NAMESPACE, { apiVersion: `${API_GROUP}/${API_VERSION}`, kind: KIND, metadata: { name: 'llama' }, spec }, soon());
const read = async (): Promise<EncryptedModel & StoredModel> => {
  const model = await getObject<EncryptedModel & StoredModel>(client, ENCRYPTED_MODELS, { namespace: NAMESPACE, name: 'llama' }, soon());
  if (model === undefined) throw new Error('no model');
  return model;
};
const reconcile = (): Promise<void> => reconcileModel(KEY, world, soon());

async function createPod(name: string): Promise<void> {
  const container = { image: IMAGE, resources: { limits: { memory: '1Gi', cpu: '1' } } };
  const body = { metadata: { name, labels: { [INJECT_LABEL]: 'true' } }, spec: { initContainers: [{ ...container, name: 'weightlock-llama' }], containers: [{ ...container, name: 'server' }] } };
  await createObject(client, PODS, NAMESPACE, body, soon());
}
/** As the kubelet does, and waits until the cache has seen it. */
async function report(name: string, state: unknown, restartCount = 0): Promise<void> {
  const status = { initContainerStatuses: [{ name: 'weightlock-llama', image: IMAGE, imageID: IMAGE, ready: false, restartCount, state }] };
  const { metadata } = await client.json<RawPod>({
    method: 'PATCH', path: objectPath(PODS, { namespace: NAMESPACE, name }, 'status'), contentType: 'application/strategic-merge-patch+json', body: { status }, signal: soon(),
  });
  await eventually('the cache has it', () => pods.store.get(`${NAMESPACE}/${name}`)?.metadata.resourceVersion === metadata.resourceVersion);
}
const ended = (exitCode: number, outcome: unknown): unknown => ({ terminated: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', finishedAt: '2026-11-23T02:00:30Z', message: JSON.stringify(outcome) } });

beforeAll(async () => {
  server = await startApiServer();
  client = connect(server.config(), 'test');
  await installCrd(client);
}, 120_000);
afterAll(async () => {
  await client.close();
  await server.close();
});
beforeEach(async () => {
  stop = new AbortController();
  nowMs = Date.parse('2026-11-23T02:01:00.500Z');
  const log = keptLog();
  models = reflector<StoredModel, StoredModel>({ client, log, resource: ENCRYPTED_MODELS, trim: trimModel, changed: () => undefined });
  pods = reflector<RawPod, ObservedPod>({ client, log, resource: PODS, labelSelector: INJECT_LABEL, trim: (raw) => observePod(raw, [IMAGE]), index: modelsOf, changed: () => undefined });
  const events = recorder({ client, instance: 'operator-1', controller: 'weightlock.dev/operator', log });
  world = { client, models: models.store, pods: pods.store, recorder: events, allowedEndpoints: [], now: () => nowMs };
  loops = [models.run(stop.signal), pods.run(stop.signal), events.run(stop.signal)];
  await Promise.all([models.synced(soon()), pods.synced(soon())]);
});
afterEach(async () => {
  stop.abort();
  await Promise.all(loops);
  for (const resource of [ENCRYPTED_MODELS, EVENTS]) await client.json({ method: 'DELETE', path: collectionPath(resource, NAMESPACE), signal: soon() });
  await client.json({ method: 'DELETE', path: collectionPath(PODS, NAMESPACE), query: { gracePeriodSeconds: 0 }, signal: soon() });
});
/** A cache that still has this. */
const holding = (model: StoredModel): World['models'] => ({ get: () => model, indexed: () => [], values: () => [model], size: 1 });
const cached = (): Promise<StoredModel> => eventually('the cache has the model', () => models.store.get(KEY));

describe('a reconcile', () => {
  test('accepts a new model, and the API server accepts the status', async () => {
    await create();
    await cached();
    await reconcile();
    const { status, metadata } = await read();
    expect(status?.conditions?.map(({ type, status: is }) => `${type}=${is}`).sort()).toEqual(['ConsumersHealthy=True', 'Ready=True', 'Reconciling=False', 'Stalled=False']);
    expect(status?.conditions?.every(({ observedGeneration, lastTransitionTime }) => observedGeneration === metadata.generation && lastTransitionTime === '2026-11-23T02:01:00Z')).toBe(true);
    expect(status?.consumers).toEqual({ ready: 0, loading: 0, failed: 0 });
  });

  test('writes nothing where nothing changed, neither before nor after the cache has seen its last write', async () => {
    await create();
    const before = await cached();
    await reconcile();
    const first = await read();
    nowMs += 60_000;
    await expect(reconcileModel(KEY, { ...world, models: holding(before) }, soon())).rejects.toThrow('409'); // as if the watch had not brought our own write
    await eventually('the cache has our write', () => models.store.get(KEY)?.metadata.resourceVersion === first.metadata.resourceVersion);
    await reconcile();
    expect((await read()).metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  test('follows a pod from its start to its failure and on to its success, with Events for both', async () => {
    await create();
    await createPod('llama-0');
    await cached();
    await report('llama-0', { running: { startedAt: '2026-11-23T02:00:00Z' } });
    await reconcile();
    expect((await read()).status?.consumers).toEqual({ ready: 0, loading: 1, failed: 0 });

    await report('llama-0', ended(30, DENIED));
    await reconcile();
    const failed = (await read()).status;
    expect(failed?.consumers).toEqual({ ready: 0, loading: 0, failed: 1 });
    expect(failed?.conditions?.find(({ type }) => type === 'ConsumersHealthy')).toMatchObject({ status: 'False', reason: 'E_KMS_DENIED', message: expect.stringContaining('Grant kms:Decrypt') });
    expect(failed?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');

    await report('llama-0', ended(0, OUTCOME), 1);
    await reconcile();
    const loaded = (await read()).status;
    expect(loaded?.consumers).toEqual({ ready: 1, loading: 0, failed: 0 });
    expect(loaded?.pods).toEqual([{ name: 'llama-0', phase: 'Ready', bytes: 91_000_000, seconds: 28, since: '2026-11-23T02:00:30Z' }]);
    expect(loaded?.key).toEqual({ provider: 'aws-kms', id: OUTCOME.key?.id, lastUnwrap: OUTCOME.unwrappedAt });

    interface Told { readonly regarding: { readonly kind: string; readonly name: string }; readonly reason: string; readonly note: string }
    const events = await eventually('three Events', async () => {
      const { items } = await client.json<{ items: Told[] }>({ method: 'GET', path: collectionPath(EVENTS, NAMESPACE), signal: soon() });
      return items.length >= 3 ? items : undefined;
    });
    expect(events.map(({ regarding, reason }) => `${regarding.kind} ${regarding.name} ${reason}`).sort()).toEqual([
      'EncryptedModel llama E_KMS_DENIED', 'Pod llama-0 E_KMS_DENIED', 'Pod llama-0 ModelLoaded',
    ]);
    expect(events.find(({ reason }) => reason === 'ModelLoaded')?.note).toContain('KMS request r-1');
  });

  test('stalls a model whose credentials would go where this installation does not let them', async () => {
    await create({ ...SPEC, source: { s3: { bucket: 'models', prefix: 'llama', endpoint: 'http://10.0.0.1:9000' } }, access: { secretRef: { name: 's3' } } });
    await cached();
    await reconcile();
    const { status } = await read();
    const code = 'E_ENDPOINT_REFUSED';
    expect(status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'False', reason: code, message: expect.stringContaining('allowedEndpoints') });
    expect(status?.conditions?.find(({ type }) => type === 'Stalled')).toMatchObject({ status: 'True', reason: code });
  });

  test('of a model that is gone does nothing, and of one made anew under the same name does not write what was meant for the old', async () => {
    await expect(reconcile()).resolves.toBeUndefined();
    await create();
    const old = await cached();
    await client.json({ method: 'DELETE', path: objectPath(ENCRYPTED_MODELS, { namespace: NAMESPACE, name: 'llama' }), signal: soon() });
    await create();
    await expect(reconcileModel(KEY, { ...world, models: holding(old) }, soon())).rejects.toThrow('409');
    expect((await read()).status).toBeUndefined();
  });

  test('leaves what others put into the status alone', async () => {
    await create();
    await cached();
    await client.json({
      method: 'PATCH', path: objectPath(ENCRYPTED_MODELS, { namespace: NAMESPACE, name: 'llama' }, 'status'), contentType: 'application/merge-patch+json',
      body: { status: { conditions: [{ type: 'Audited', status: 'True', reason: 'Yes', message: '', lastTransitionTime: '2026-11-23T00:00:00Z' }] } }, signal: soon(),
    });
    await eventually('the cache has it', () => (models.store.get(KEY)?.status?.conditions?.length ?? 0) > 0);
    await reconcile();
    const { status, metadata } = await read();
    expect(status?.conditions?.map(({ type }) => type).sort()).toEqual(['Audited', 'ConsumersHealthy', 'Ready', 'Reconciling', 'Stalled']);
    await eventually('the cache has our write', () => models.store.get(KEY)?.metadata.resourceVersion === metadata.resourceVersion);
    nowMs += 60_000;
    await reconcile();
    expect((await read()).metadata.resourceVersion).toBe(metadata.resourceVersion);
  });
});
