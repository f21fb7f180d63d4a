// The whole operator as a process with the chart's rights, its webhook called by a real API server.
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EncryptedModel } from '../../core/api/encrypted-model.ts';
import { API_GROUP, API_VERSION, KIND } from '../../core/api/names.ts';
import type { ApiError } from '../../operator/kube/api-error.ts';
import { type ApiClient, connect } from '../../operator/kube/client.ts';
import { createObject, getObject } from '../../operator/kube/objects.ts';
import { ENCRYPTED_MODELS, objectPath, PODS } from '../../operator/kube/resource.ts';
import type { RawPod } from '../../operator/reconcile/pod.ts';
import { type ApiServer, startApiServer } from '../support/apiserver.ts';
import { freePort } from '../support/free-port.ts';
import { installCrd } from '../support/crd.ts';
import { eventually } from '../support/eventually.ts';
import { IMAGE, install, type Replica, startOperator } from './installation.ts';

const NAMESPACE = 'default';
const soon = (): AbortSignal => AbortSignal.timeout(30_000);

let server: ApiServer;
let admin: ApiClient;
let webhookPort: number;
let operator: Replica;
let metricsPort: number;

const start = async (): Promise<void> => {
  operator = await startOperator(server, 'weightlock-operator-0', webhookPort, metricsPort);
};
async function createPod(name: string, models?: string): Promise<RawPod> {
  const container = { image: 'server', resources: { limits: { memory: '1Gi', cpu: '1' } } };
  const ours = models === undefined ? {} : { labels: { 'weightlock.dev/inject': 'true' }, annotations: { 'weightlock.dev/models': models } };
  const body = { metadata: { name, ...ours }, spec: { serviceAccountName: 'default', containers: [{ ...container, name: 'server' }] } };
  return (await createObject<object>(admin, PODS, NAMESPACE, body, soon())) as RawPod;
}
const decryptors = ({ spec }: RawPod): readonly string[] => (spec.initContainers ?? []).map(({ name, image }) => `${name} ${image ?? ''}`);
const refusal = async (pod: Promise<unknown>): Promise<string> => pod.then(() => 'accepted', (error: ApiError) => error.message);

beforeAll(async () => {
  server = await startApiServer();
  admin = connect(server.config(), 'test');
  await installCrd(admin);
  [webhookPort, metricsPort] = [await freePort(), await freePort()];
  await install(admin, webhookPort);
  await start();
  await operator.ready();
}, 180_000);
afterAll(async () => {
  await operator.kill();
  await admin.close();
  await server.close();
});

/** Resolves when the operator has looked at it. */
async function createModel(name: string): Promise<unknown> {
  const spec = {
    source: { s3: { bucket: 'models', prefix: 'llama', region: 'eu-west-1' } },
    keys: [{ awsKms: { keyArn: 'arn:aws:kms:eu-west-1:111122223333:key/0e5a' } }],
    model: { name: 'acme/llama', version: '7' },
    manifest: { digest: `sha256:${'a'.repeat(64)}`, lineage: 'b'.repeat(64), bytes: 91_000_000, files: 3 },
    access: { awsRoleArn: 'arn:aws:iam::111122223333:role/reader' },
  };
  await createObject(admin, ENCRYPTED_MODELS, NAMESPACE, { apiVersion: `${API_GROUP}/${API_VERSION}`, kind: KIND, metadata: { name }, spec }, soon());
  return eventually('a Ready condition', async () => {
    const model = await getObject<EncryptedModel>(admin, ENCRYPTED_MODELS, { namespace: NAMESPACE, name }, soon());
    return model?.status?.conditions?.find(({ type }) => type === 'Ready');
  }, 60_000);
}

describe('the operator', () => {
  test('accepts a model and tells so in its status', async () => {
    expect(await createModel('llama')).toMatchObject({ status: 'True', reason: 'Accepted' });
  });

  test('injects a pod that asks for the model, and lists it as a consumer', async () => {
    expect(decryptors(await createPod('asks', 'llama'))).toEqual([`weightlock-llama ${IMAGE}`]);
    await eventually('one consumer', async () => {
      const model = await getObject<EncryptedModel>(admin, ENCRYPTED_MODELS, { namespace: NAMESPACE, name: 'llama' }, soon());
      return model?.status?.consumers?.loading === 1;
    });
  });

  test('touches no pod that did not ask, and refuses one that asks for what is not there', async () => {
    expect(decryptors(await createPod('asks-not'))).toEqual([]);
    expect(await refusal(createPod('asks-wrongly', 'no-such-model'))).toContain('no-such-model');
  });

  test('was never refused anything by the API server: the rights of the chart are enough', () => {
    expect(operator.lines.filter((line) => /403|forbidden/i.test(JSON.stringify(line)))).toEqual([]);
  });

  test('killed, leaves labelled pods refused and others alone, and goes on where it was once it is back', async () => {
    await operator.kill();
    expect(await refusal(createPod('meanwhile', 'llama'))).toContain('failed calling webhook');
    expect(decryptors(await createPod('meanwhile-not'))).toEqual([]);
    await start();
    await operator.ready();
    expect(decryptors(await createPod('meanwhile', 'llama'))).toEqual([`weightlock-llama ${IMAGE}`]);
  }, 60_000);

  test('goes on when the API server comes back', async () => {
    await server.kill();
    await server.start();
    await operator.ready();
    expect(decryptors(await createPod('later', 'llama'))).toEqual([`weightlock-llama ${IMAGE}`]);
    await eventually('all consumers', async () => {
      const model = await getObject<EncryptedModel>(admin, ENCRYPTED_MODELS, { namespace: NAMESPACE, name: 'llama' }, soon());
      return model?.status?.consumers?.loading === 3;
    }, 60_000);
  }, 120_000);

  test('shows what it did in its metrics', async () => {
    const { status, text } = await operator.page('/metrics');
    expect(status).toBe(200);
    expect(text).toMatch(/^weightlock_admission_reviews_total\{result="inject",reason=""\} [1-9]/m);
    expect(text).toMatch(/^weightlock_admission_duration_seconds_count [1-9]/m);
    expect(text).toMatch(/^weightlock_models\{condition="Ready",status="True"\} 1$/m);
    expect(text).toMatch(/^weightlock_pods\{phase="Loading"\} 3$/m);
    expect(text).toMatch(/^weightlock_reconciles_total\{result="ok"\} [1-9]/m);
    expect(Number(/^weightlock_certificate_expiry_timestamp_seconds (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(Date.now() / 1000);
  });

  test('as a second replica is ready without leading, and leads once the first is gone without a word', async () => {
    const second = await startOperator(server, 'weightlock-operator-1', await freePort(), await freePort());
    try {
      await second.ready();
      expect(second.lines.some(({ message }) => message === 'this replica leads')).toBe(false);
      await operator.kill();
      expect(await createModel('mistral')).toMatchObject({ status: 'True' });
      expect(second.lines.some(({ message }) => message === 'this replica leads')).toBe(true);
    } finally {
      await second.kill();
    }
    await start();
    await eventually('the first leads again', () => operator.lines.some(({ message }) => message === 'this replica leads'), 60_000);
    await operator.ready();
  }, 120_000);

  test('told to leave, says so at once, still answers while the API server lets go, and ends with 0', async () => {
    const exited = once(operator.process, 'exit');
    operator.process.kill('SIGTERM');
    await eventually('not ready', async () => (await operator.page('/readyz')).text.includes('leaving'));
    expect((await operator.page('/healthz')).status).toBe(200);
    expect(decryptors(await createPod('last', 'llama'))).toEqual([`weightlock-llama ${IMAGE}`]);
    expect(await exited).toEqual([0, null]);
    expect(await getObject<{ spec: { holderIdentity: string } }>(admin, { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' }, { namespace: 'weightlock-system', name: 'weightlock-operator' }, soon())).toMatchObject({ spec: { holderIdentity: '' } });
    await admin.json({ method: 'DELETE', path: objectPath(PODS, { namespace: NAMESPACE, name: 'last' }), signal: soon() });
  }, 60_000);
});
