// A real API server calls the webhook over certificates that it was given by the operator: what its own defaults, conversions and passes make of us.
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { API_GROUP, API_VERSION, FIELD_MANAGER, KIND, PLACEHOLDER_CONFIG_MAP, WEBHOOK_CONFIGURATION } from '../../../core/api/names.ts';
import type { EncryptedModel } from '../../../core/api/encrypted-model.ts';
import type { Pod, Volume } from '../../../core/injection/pod.ts';
import { caKeeper } from '../../../operator/certs/ca-keeper.ts';
import { selfManaged, type SelfManaged } from '../../../operator/certs/self-managed.ts';
import { ApiError } from '../../../operator/kube/api-error.ts';
import { type ApiClient, connect } from '../../../operator/kube/client.ts';
import { createObject, getObject } from '../../../operator/kube/objects.ts';
import type { ModelLookup } from '../../../operator/kube/model-lookup.ts';
import { collectionPath, ENCRYPTED_MODELS, MUTATING_WEBHOOKS, objectPath, PODS, SECRETS } from '../../../operator/kube/resource.ts';
import { type AdmissionOutcome, startWebhook, WEBHOOK_PATH, type Webhook } from '../../../operator/webhook/server.ts';
import { FIXTURES, readFixture, SETTINGS } from '../../core/injection/fixture.ts';
import { CRD_FILE } from '../../crds/types-from-crd.ts';
import { type ApiServer, startApiServer } from '../../support/apiserver.ts';
import { eventually } from '../../support/eventually.ts';
import { type KeptLog, keptLog } from '../../support/kept-log.ts';
import { podFor } from './review-of.ts';

const SYSTEM = 'weightlock-system';
const CA_SECRET = { namespace: SYSTEM, name: 'weightlock-ca' };
const soon = (): AbortSignal => AbortSignal.timeout(60_000);
const log: KeptLog = keptLog();

let server: ApiServer;
let client: ApiClient;
let certificates: SelfManaged;
let webhook: Webhook;
let outcomes: AdmissionOutcome[] = [];
let lookup: ModelLookup;

const post = (path: string, body: unknown): Promise<unknown> => client.json({ method: 'POST', path, body, signal: soon() });
const createPod = (pod: unknown, query: Readonly<Record<string, string>> = {}): Promise<Pod> =>
  client.json({ method: 'POST', path: collectionPath(PODS, 'serving'), query: { fieldValidation: 'Strict', ...query }, body: pod, signal: soon() });
const applyPod = (pod: Pod, query: Readonly<Record<string, string | boolean>> = {}): Promise<Pod> =>
  client.json({
    method: 'PATCH',
    path: objectPath(PODS, { namespace: 'serving', name: pod.metadata.name ?? '' }),
    query: { fieldManager: 'kubectl', fieldValidation: 'Strict', ...query },
    contentType: 'application/apply-patch+yaml',
    body: { apiVersion: 'v1', kind: 'Pod', ...pod },
    signal: soon(),
  });

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    throw error;
  }
  return 'it was taken';
}

beforeAll(async () => {
  server = await startApiServer();
  client = connect(server.config(), 'test');
  for (const name of ['serving', SYSTEM]) await post('/api/v1/namespaces', { metadata: { name } });
  await post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', parse(await readFile(CRD_FILE, 'utf8')));
  await post(collectionPath(SECRETS, SYSTEM), { metadata: { name: CA_SECRET.name } });
  certificates = selfManaged({ keeper: caKeeper(client, CA_SECRET), dnsNames: ['localhost'], isLeader: () => true, log, now: Date.now });
  await expect(certificates.look(soon())).rejects.toThrow('MutatingWebhookConfiguration weightlock is not there');

  webhook = await startWebhook({
    host: '127.0.0.1',
    port: 0,
    certificates,
    lookup: (...asked) => lookup(...asked),
    settings: SETTINGS,
    log,
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  await post(collectionPath(MUTATING_WEBHOOKS), {
    metadata: { name: WEBHOOK_CONFIGURATION },
    webhooks: [
      {
        name: 'pods.weightlock.dev',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        timeoutSeconds: 5,
        failurePolicy: 'Fail',
        reinvocationPolicy: 'IfNeeded',
        clientConfig: { url: `https://localhost:${String(webhook.port)}${WEBHOOK_PATH}` },
        objectSelector: { matchExpressions: [{ key: 'weightlock.dev/inject', operator: 'Exists' }] },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: 'Namespaced' }],
      },
    ],
  });
  await eventually('the CRD to be served', async () => {
    await client.json({ method: 'GET', path: collectionPath(ENCRYPTED_MODELS, 'serving'), signal: soon() });
    return true;
  });
  for (const model of readFixture('bare-pod').models.values())
    await createObject(client, ENCRYPTED_MODELS, 'serving', { apiVersion: `${API_GROUP}/${API_VERSION}`, kind: KIND, ...model }, soon());
}, 240_000);
afterAll(async () => {
  await client.close();
  await server.close();
});
beforeEach(() => {
  outcomes = [];
  lookup = (namespace, name, signal) => getObject<EncryptedModel>(client, ENCRYPTED_MODELS, { namespace, name }, signal);
});

/** `pod` as somebody would send it again. */
const again = ({ metadata: { name, generateName, labels, annotations }, spec }: Pod): unknown => ({
  metadata: { name, generateName, labels, annotations },
  spec,
});
const results = (): readonly string[] => outcomes.map(({ result }) => result);

describe('the bundle', () => {
  interface Configuration {
    readonly webhooks: readonly { readonly clientConfig: { readonly caBundle?: string }; readonly rules: readonly unknown[] }[];
    readonly metadata: { readonly managedFields: readonly { readonly manager: string; readonly operation: string; readonly fieldsV1: unknown }[] };
  }

  test('is what lets the API server in: before it no labelled pod is taken, with it they are', async () => {
    expect(await refusal(createPod(podFor('llama-ft-7')))).toMatch(/failed calling webhook "pods\.weightlock\.dev".*certificate signed by unknown authority/);
    await certificates.look(soon());
    expect(certificates.isReady).toBe(true);
    await eventually('the API server, which watches the configuration, to take up the bundle', async () => {
      await createPod(podFor('llama-ft-7'), { dryRun: 'All' });
      return true;
    });
    await createPod(podFor('llama-ft-7'));
    expect(results()).toContain('inject');
  });

  test("is all that the operator's field manager owns, and nothing else of the configuration changed", async () => {
    const { webhooks, metadata } = await client.json<Configuration>({
      method: 'GET',
      path: objectPath(MUTATING_WEBHOOKS, { name: WEBHOOK_CONFIGURATION }),
      signal: soon(),
    });
    expect(webhooks[0]?.rules).toHaveLength(1);
    expect(metadata.managedFields.find(({ manager }) => manager === FIELD_MANAGER.caBundle)).toMatchObject({
      operation: 'Apply',
      fieldsV1: { 'f:webhooks': { 'k:{"name":"pods.weightlock.dev"}': { '.': {}, 'f:name': {}, 'f:clientConfig': { 'f:caBundle': {} } } } },
    });
  });

  test('comes back when it was edited, and the Secret is written once only', async () => {
    const secret = await client.json<{ metadata: { resourceVersion: string } }>({ method: 'GET', path: objectPath(SECRETS, CA_SECRET), signal: soon() });
    await client.json({
      method: 'PATCH',
      path: objectPath(MUTATING_WEBHOOKS, { name: WEBHOOK_CONFIGURATION }),
      contentType: 'application/json-patch+json',
      body: [{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }],
      signal: soon(),
    });
    await certificates.look(soon());
    await eventually('the API server to trust us again', async () => {
      await createPod(podFor('llama-ft-7'), { dryRun: 'All' });
      return true;
    });
    expect(await client.json({ method: 'GET', path: objectPath(SECRETS, CA_SECRET), signal: soon() })).toMatchObject({ metadata: secret.metadata });
  });
});

describe('a pod', () => {
  const cases = readdirSync(FIXTURES, { withFileTypes: true })
    .map(({ name }) => name)
    .filter((name) => existsSync(new URL(`${name}/expect.yaml`, FIXTURES)));

  test.each(cases)('(%s) is valid once injected, and a pass over what the API server made of it changes nothing', async (name) => {
    const fixture = readFixture(name);
    lookup = (_namespace, model) => Promise.resolve(fixture.models.get(model));
    const injected = await createPod(fixture.pod, { dryRun: 'All' });
    expect(results()[0]).toBe('inject');
    outcomes = [];
    await createPod(again(injected), { dryRun: 'All' });
    expect(results()).toEqual(['unchanged']);
  });

  test('is refused in the words of the operator', async () => {
    expect(await refusal(createPod(podFor('llama-ft-8')))).toContain(
      'admission webhook "pods.weightlock.dev" denied the request: there is no EncryptedModel serving/llama-ft-8. Apply it (kubectl get encryptedmodels -n serving lists what is there)',
    );
  });

  test('satisfies Pod Security "restricted" where it did before', async () => {
    await post('/api/v1/namespaces', { metadata: { name: 'restricted', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } });
    lookup = (_namespace, model) => Promise.resolve(readFixture('secret-of-the-model').models.get(model));
    const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
    const { metadata, spec } = podFor('llama-ft-7');
    const pod = {
      metadata,
      spec: {
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        containers: spec.containers.map((container) => ({ ...container, securityContext })),
      },
    };
    await client.json({ method: 'POST', path: collectionPath(PODS, 'restricted'), body: pod, signal: soon() });
    expect(results()[0]).toBe('inject');
  });

  test('can be applied, applied again and dry-run without drift', async () => {
    const pod: Pod = { ...podFor('llama-ft-7'), metadata: { ...podFor('llama-ft-7').metadata, generateName: '', name: 'applied' } };
    const rehearsed = await applyPod(pod, { dryRun: 'All' });
    expect(await refusal(client.json({ method: 'GET', path: objectPath(PODS, { namespace: 'serving', name: 'applied' }), signal: soon() }))).toContain(
      'not found',
    );
    const applied = await applyPod(pod);
    expect(rehearsed.spec).toEqual(applied.spec);
    expect(versionOf(await applyPod(pod, { force: true }))).toBe(versionOf(applied));
    expect((await applyPod(pod, { dryRun: 'All', force: true })).spec).toEqual(applied.spec);
  });
});

const versionOf = ({ metadata }: Pod): unknown => (metadata as { readonly resourceVersion?: string }).resourceVersion;

/** A Deployment whose pods mount the model by hand. */
const templateWith = (volumes: readonly Volume[]): unknown => {
  const { metadata, spec } = podFor('llama-ft-7');
  const containers = spec.containers.map((container) => ({
    ...container,
    volumeMounts: [{ name: 'weightlock-llama-ft-7', mountPath: '/models', readOnly: true }],
  }));
  return {
    metadata: { generateName: 'llama-' },
    spec: {
      selector: { matchLabels: { app: 'llama' } },
      template: { metadata: { annotations: metadata.annotations, labels: { ...metadata.labels, app: 'llama' } }, spec: { containers, volumes } },
    },
  };
};

describe('the placeholder', () => {
  test('makes a template valid that mounts the model by hand, which it is not without any volume', async () => {
    const placeholder = { name: 'weightlock-llama-ft-7', configMap: { name: PLACEHOLDER_CONFIG_MAP } };
    await post('/apis/apps/v1/namespaces/serving/deployments', templateWith([placeholder]));
    expect(await refusal(post('/apis/apps/v1/namespaces/serving/deployments', templateWith([])))).toContain(
      'volumeMounts[0].name: Not found: "weightlock-llama-ft-7"',
    );
  });
});

test('while no replica answers, pods that ask are refused and all others are taken', async () => {
  await webhook.stop(0);
  expect(await refusal(createPod(podFor('llama-ft-7')))).toContain('failed calling webhook "pods.weightlock.dev"');
  await createPod({ metadata: { generateName: 'other-' }, spec: { containers: [{ name: 'a', image: 'b' }] } });
});
