// The CRD at a real API server: what it takes, what it refuses and with which words.
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { API_GROUP, API_VERSION, KIND } from '../../core/api/names.ts';
import type { EncryptedModel, EncryptedModelSpec } from '../../core/api/encrypted-model.ts';
import { ApiError } from '../../operator/kube/api-error.ts';
import { type ApiClient, connect } from '../../operator/kube/client.ts';
import { collectionPath, ENCRYPTED_MODELS, objectPath } from '../../operator/kube/resource.ts';
import { type ApiServer, startApiServer } from '../support/apiserver.ts';
import { eventually } from '../support/eventually.ts';
import { CRD_FILE } from './types-from-crd.ts';

const NAMESPACE = 'default';
const soon = (): AbortSignal => AbortSignal.timeout(60_000);

let server: ApiServer;
let client: ApiClient;

const KEY = {
  awsKms: { keyArn: 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab', region: 'eu-west-1' },
  context: { tenant: 'acme' },
};
const SPEC: EncryptedModelSpec = {
  source: { s3: { bucket: 'acme-models', prefix: 'llama-ft', region: 'eu-west-1', endpoint: 'http://10.77.0.1:9000', pathStyle: true } },
  keys: [KEY],
  model: { name: 'acme/llama-ft', version: '2026.11.2' },
  manifest: { digest: `sha256:${'5'.repeat(64)}`, lineage: 'a'.repeat(64), bytes: 17_179_869_184, files: 42 },
  verify: { content: 'Digest' },
  files: { include: ['*.safetensors', '*.json'], exclude: [] },
  access: { serviceAccountNames: ['llama'], secretRef: { name: 'acme-s3' } },
  memory: { mode: 'Init', swap: 'Refuse', overheadBytes: 268_435_456 },
};
const modelOf = (name: string, spec: unknown): unknown => ({ apiVersion: `${API_GROUP}/${API_VERSION}`, kind: KIND, metadata: { name }, spec });

/** Like `kubectl apply`: strict about members that the schema doesn't know. */
const create = (name: string, spec: unknown): Promise<EncryptedModel> =>
  client.json({
    method: 'POST',
    path: collectionPath(ENCRYPTED_MODELS, NAMESPACE),
    query: { fieldValidation: 'Strict' },
    body: modelOf(name, spec),
    signal: soon(),
  });
const patch = (name: string, body: unknown): Promise<EncryptedModel> =>
  client.json({
    method: 'PATCH',
    path: objectPath(ENCRYPTED_MODELS, { namespace: NAMESPACE, name }),
    contentType: 'application/merge-patch+json',
    body,
    signal: soon(),
  });

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ApiError && [400, 422].includes(error.status)) return error.message;
    throw error;
  }
  return 'it was taken';
}

beforeAll(async () => {
  server = await startApiServer();
  client = connect(server.config(), 'test');
  const crd: unknown = parse(await readFile(CRD_FILE, 'utf8'));
  await client.json({
    method: 'PATCH',
    path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/encryptedmodels.weightlock.dev',
    query: { fieldManager: 'test', fieldValidation: 'Strict' },
    contentType: 'application/apply-patch+yaml',
    body: crd,
    signal: soon(),
  });
  await eventually('the CRD to be served', async () => {
    await client.json({ method: 'GET', path: collectionPath(ENCRYPTED_MODELS, NAMESPACE), signal: soon() });
    return true;
  });
}, 240_000);
afterAll(async () => {
  await client.close();
  await server.close();
});

describe('a model', () => {
  test('with every member is kept as it was written', async () => {
    expect((await create('whole', SPEC)).spec).toEqual(SPEC);
  });

  test('needs no more than source, keys, model and manifest', async () => {
    const { source, keys, model, manifest } = SPEC;
    expect((await create('least', { source, keys, model, manifest })).spec).toEqual({ source, keys, model, manifest });
  });

  test('may have a name of forty characters and an empty prefix', async () => {
    expect((await create(`a${'-'.repeat(38)}9`, { ...SPEC, source: { s3: { bucket: 'abc', prefix: '' } } })).metadata.name).toHaveLength(40);
  });

  test.each<[string, string, unknown, RegExp]>([
    ['a name with a dot', 'a.b', SPEC, /metadata\.name must be a DNS label of at most 40 characters/],
    ['a name of 41 characters', 'a'.repeat(41), SPEC, /at most 40 characters/],
    ['no source', 'x', { ...SPEC, source: {} }, /spec\.source needs exactly one of s3/],
    ['a source that pods cannot read', 'x', { ...SPEC, source: { file: { path: '/models' } } }, /unknown field "spec\.source\.file"/],
    ['a key that pods cannot use', 'x', { ...SPEC, keys: [{ localFile: { id: 'sha256:00' } }] }, /unknown field "spec\.keys\[0\]\.localFile"/],
    ['a member of a later release', 'x', { ...SPEC, revoked: { reason: 'leak' } }, /unknown field "spec\.revoked"/],
    ['signers that nobody would check', 'x', { ...SPEC, verify: { signers: [] } }, /unknown field "spec\.verify\.signers"/],
    ['an empty list of keys', 'x', { ...SPEC, keys: [] }, /spec\.keys.*should have at least 1 items/],
    ['nine keys', 'x', { ...SPEC, keys: Array.from({ length: 9 }, () => KEY) }, /must have at most 8 items/],
    ['an alias instead of a key', 'x', { ...SPEC, keys: [{ awsKms: { keyArn: 'arn:aws:kms:eu-west-1:111122223333:alias/models' } }] }, /keyArn.*should match/],
    ['a reserved context pair', 'x', { ...SPEC, keys: [{ ...KEY, context: { 'weightlock:v': '1' } }] }, /a name in context must match/],
    ['a context value of 300 bytes', 'x', { ...SPEC, keys: [{ ...KEY, context: { tenant: 'ü'.repeat(150) } }] }, /at most 256 bytes of UTF-8/],
    [
      'nine context pairs',
      'x',
      { ...SPEC, keys: [{ ...KEY, context: Object.fromEntries(Array.from('abcdefghi', (name) => [name, '1'])) }] },
      /must have at most 8 items/,
    ],
    ['a prefix that climbs', 'x', { ...SPEC, source: { s3: { bucket: 'abc', prefix: 'models/../other' } } }, /must not contain \. or \.\./],
    ['a prefix that starts with a slash', 'x', { ...SPEC, source: { s3: { bucket: 'abc', prefix: '/models' } } }, /prefix.*should match/],
    ['a prefix with a query', 'x', { ...SPEC, source: { s3: { bucket: 'abc', prefix: 'models?versionId=1' } } }, /prefix.*should match/],
    ['a bucket with a slash', 'x', { ...SPEC, source: { s3: { bucket: 'abc/def', prefix: 'm' } } }, /bucket.*should match/],
    [
      'an endpoint with a path',
      'x',
      { ...SPEC, source: { s3: { bucket: 'abc', prefix: 'm', endpoint: 'https://s3.example/steal' } } },
      /endpoint.*should match/,
    ],
    [
      'an endpoint with a user',
      'x',
      { ...SPEC, source: { s3: { bucket: 'abc', prefix: 'm', endpoint: 'https://s3.example@evil.example' } } },
      /endpoint.*should match/,
    ],
    ['a digest of another length', 'x', { ...SPEC, manifest: { ...SPEC.manifest, digest: 'sha256:00' } }, /digest.*should match/],
    ['no files', 'x', { ...SPEC, manifest: { ...SPEC.manifest, files: 0 } }, /files.*should be greater than or equal to 1/],
    ['a model name with a control character', 'x', { ...SPEC, model: { name: 'a\u0007b', version: '1' } }, /model\.name.*should match/],
    ['a model name that reads from right to left', 'x', { ...SPEC, model: { name: 'a\u202eb', version: '1' } }, /model\.name.*should match/],
    [
      'a secret and a role',
      'x',
      { ...SPEC, access: { secretRef: { name: 's' }, awsRoleArn: 'arn:aws:iam::111122223333:role/r' } },
      /at most one of awsRoleArn, secretRef, instanceRole/,
    ],
    ['a secret and the node', 'x', { ...SPEC, access: { secretRef: { name: 's' }, instanceRole: true } }, /at most one of awsRoleArn, secretRef, instanceRole/],
    ['no account at all', 'x', { ...SPEC, access: { serviceAccountNames: [] } }, /serviceAccountNames.*should have at least 1 items/],
    ['a memory mode of a later release', 'x', { ...SPEC, memory: { mode: 'NativeSidecar' } }, /Unsupported value: "NativeSidecar"/],
  ])('is refused with %s', async (_what, name, spec, why) => {
    expect(await refusal(create(name, spec))).toMatch(why);
  });
});

describe('a model that exists', () => {
  beforeAll(async () => {
    await create('kept', SPEC);
  });

  test.each<[string, unknown]>([
    ['source', { source: { s3: { prefix: 'other' } } }],
    ['model', { model: { version: '9' } }],
    ['manifest', { manifest: { digest: `sha256:${'6'.repeat(64)}` } }],
    ['files', { files: { include: ['*'] } }],
    ['files', { files: null }],
  ])('never changes its %s: %j', async (member, spec) => {
    expect(await refusal(patch('kept', { spec }))).toContain(`spec.${member} never changes; make a new EncryptedModel`);
  });

  test('may change keys, access, verify and memory', async () => {
    const spec = { keys: [KEY, KEY], access: null, verify: { content: 'Aead' }, memory: { swap: 'Warn' } };
    expect((await patch('kept', { spec })).spec).toMatchObject({ keys: [KEY, KEY], verify: { content: 'Aead' }, memory: { swap: 'Warn' } });
  });

  test('keeps status apart from spec, and conditions by type', async () => {
    const condition = { type: 'Ready', status: 'True', reason: 'Accepted', message: '', lastTransitionTime: '2026-11-23T00:00:00Z', observedGeneration: 1 };
    const status = { conditions: [condition], consumers: { ready: 1, loading: 0, failed: 0 }, pods: [{ name: 'p', phase: 'Ready', bytes: 5, seconds: 1 }] };
    const path = objectPath(ENCRYPTED_MODELS, { namespace: NAMESPACE, name: 'kept' }, 'status');
    const body = { ...(modelOf('kept', SPEC) as object), status };
    const applied = await client.json<EncryptedModel>({
      method: 'PATCH',
      path,
      query: { fieldManager: 'test' },
      contentType: 'application/apply-patch+yaml',
      body,
      signal: soon(),
    });
    expect(applied.status).toEqual(status);
  });
});

test('models are found as em and as models', async () => {
  interface Resources {
    readonly resources: readonly { readonly name: string; readonly shortNames?: readonly string[]; readonly categories?: readonly string[] }[];
  }
  const { resources } = await client.json<Resources>({ method: 'GET', path: `/apis/${API_GROUP}/${API_VERSION}`, signal: soon() });
  expect(resources.find(({ name }) => name === 'encryptedmodels')).toMatchObject({ shortNames: ['em'], categories: ['models'] });
});
