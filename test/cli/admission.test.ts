// `explain` and `inject`: admission's own decision, on files.
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { decide } from '../../core/injection/decide.ts';
import { applyPatch } from '../../core/injection/patch.ts';
import { readPod } from '../../core/injection/read-pod.ts';
import { VERSION } from '../../core/version.ts';
import { parseModelFile } from '../../cli/model-file.ts';
import { ended, place, type Place } from './weightlock.ts';

jest.setTimeout(60_000); // many processes on a busy machine

const image = `registry.example.com/weightlock-decryptor@sha256:${'0a'.repeat(32)}`;
const model = (name: string, namespace?: string): string => `
apiVersion: weightlock.dev/v1alpha1
kind: EncryptedModel
metadata: {name: ${name}${namespace === undefined ? '' : `, namespace: ${namespace}`}}
spec:
  source: {s3: {bucket: acme-models, prefix: llama-ft, region: eu-west-1}}
  keys: [{awsKms: {keyArn: "arn:aws:kms:eu-west-1:111122223333:key/0f0e0d0c-0b0a-4908-8706-050403020100"}}]
  model: {name: acme/llama-ft, version: "2026.11.2"}
  manifest: {digest: "sha256:${'123456789012'.repeat(6).slice(0, 64)}", lineage: "${'b'.repeat(64)}", bytes: 1000000, files: 3}
`;
const template = (models: string): string => `{metadata: {labels: {weightlock.dev/inject: "true"}, annotations: {weightlock.dev/models: "${models}"}}, spec: {restartPolicy: Never, containers: [{name: server, image: "server:1"}]}}`;

let here: Place;
beforeAll(async () => {
  here = await place();
  await writeFile(here.path('llama.yaml'), model('llama-ft-7'));
  await writeFile(here.path('elsewhere.yaml'), model('llama-ft-7', 'elsewhere'));
});
afterAll(async () => {
  await here[Symbol.asyncDispose]();
});

/** Runs a command with `yaml` on stdin. */
async function on(yaml: string, ...words: readonly string[]) {
  const child = here.start(...words, '-f', '-', '--image', image);
  child.stdin.end(yaml);
  return ended(child);
}
const inject = (yaml: string, ...more: readonly string[]) => on(yaml, 'inject', '--model', 'llama.yaml', ...more);
const documents = (yaml: string): readonly Record<string, unknown>[] => parseAllDocuments(yaml).map((document) => document.toJS() as Record<string, unknown>);
const at = (value: unknown, ...path: readonly string[]): unknown => path.reduce<unknown>((node, name) => (node as Record<string, unknown>)[name], value);

const KINDS: readonly (readonly [kind: string, yaml: string, path: readonly string[]])[] = [
  ['Pod', `{apiVersion: v1, kind: Pod, ${template('llama-ft-7').slice(1)}`, []],
  ['Deployment', `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: ${template('llama-ft-7')}}}`, ['spec', 'template']],
  ['StatefulSet', `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}, spec: {template: ${template('llama-ft-7')}}}`, ['spec', 'template']],
  ['DaemonSet', `{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: web}, spec: {template: ${template('llama-ft-7')}}}`, ['spec', 'template']],
  ['Job', `{apiVersion: batch/v1, kind: Job, metadata: {generateName: run-}, spec: {template: ${template('llama-ft-7')}}}`, ['spec', 'template']],
  ['CronJob', `{apiVersion: batch/v1, kind: CronJob, metadata: {name: nightly}, spec: {jobTemplate: {spec: {template: ${template('llama-ft-7')}}}}}`, ['spec', 'jobTemplate', 'spec', 'template']],
];

describe('inject', () => {
  test.each(KINDS)('prints a %s as admission would have changed its pod', async (_, yaml, path) => {
    const { status, stdout } = await inject(yaml);
    expect(status).toBe(0);
    const before = readPod(at(parse(yaml), ...path));
    const file = parseModelFile(model('llama-ft-7'), 'llama.yaml');
    const decision = decide(before, 'default', new Map([['llama-ft-7', file.object]]), { image, version: VERSION, allowedEndpoints: [] });
    if (decision.kind !== 'Inject') throw new Error(decision.kind);
    expect(at(parse(stdout), ...path)).toEqual(applyPatch(at(parse(yaml), ...path), decision.patch));
  });

  test('is settled after one pass', async () => {
    for (const [, yaml] of KINDS) {
      const once = (await inject(yaml)).stdout;
      expect((await inject(once)).stdout).toBe(once);
    }
  });

  test('keeps comments, order and everything that is no pod', async () => {
    const yaml = `# ours\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web # the web\nspec:\n  replicas: 3 # three\n  template: ${template('llama-ft-7')}\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: "web"\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: plain\nspec:\n  containers:\n    - name: x\n`;
    const { stdout, stderr } = await inject(yaml);
    for (const line of ['# ours', '  name: web # the web', '  replicas: 3 # three', '  name: "web"']) expect(stdout.split('\n')).toContain(line);
    expect(documents(stdout).slice(1)).toEqual(documents(yaml).slice(1));
    expect(stderr).toContain('injected into 1 pod');
  });

  test('writes a digest that looks like a number as the string it is', async () => {
    const [, yaml = ''] = KINDS[0] ?? [];
    const { stdout } = await inject(yaml);
    expect(stdout).toContain('model.weightlock.dev/llama-ft-7: "123456789012"');
  });

  test('sees the pods of a List, and those behind anchors', async () => {
    const list = `{apiVersion: v1, kind: List, items: [${KINDS.map(([, yaml]) => yaml).join(', ')}]}`;
    expect((await inject(list)).stderr).toContain(`injected into ${KINDS.length} pods`);
    const anchored = `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nx: &all\n  - name: first\nspec:\n  template:\n    metadata: {labels: {weightlock.dev/inject: "true"}, annotations: {weightlock.dev/models: llama-ft-7}}\n    spec: {containers: *all}\n`;
    const [deployment] = documents((await inject(anchored)).stdout);
    expect(at(deployment, 'x')).toEqual([{ name: 'first' }]);
    expect(at(deployment, 'spec', 'template', 'spec', 'containers')).toMatchObject([{ name: 'first', volumeMounts: [{ name: 'weightlock-llama-ft-7' }] }]);
  });

  test('takes and gives JSON', async () => {
    const [, yaml = ''] = KINDS[1] ?? [];
    const { stdout } = await inject(JSON.stringify(parse(yaml)), '--output', 'json');
    expect(JSON.parse(stdout)).toEqual(documents((await inject(yaml)).stdout));
  });

  test.each<[string, string, readonly string[], string]>([
    ['a model that is not given', KINDS[1]?.[1].replace('llama-ft-7', 'other-1') ?? '', [], 'ModelNotFound'],
    ['a model of another namespace', KINDS[1]?.[1].replace('name: web', 'name: web, namespace: serving') ?? '', ['--model', 'elsewhere.yaml'], 'ModelNotFound'],
    ['a typo in an annotation', KINDS[1]?.[1].replace('weightlock.dev/models', 'weightlock.dev/model') ?? '', [], 'UnknownAnnotation'],
  ])('fails where admission would refuse: %s', async (_, yaml, models, reason) => {
    const ran = await on(yaml, 'inject', ...(models.length === 0 ? ['--model', 'llama.yaml'] : models));
    expect(ran).toMatchObject({ status: 70, stdout: '', stderr: expect.stringContaining(`Deployment web would be refused (${reason})`) });
  });

  test.each([
    ['no YAML', 'a: [', 'is not YAML'],
    ['a key twice', 'kind: Pod\nkind: Pod\n', 'is not YAML'],
    ['a list instead of an object', '- a\n- b\n', 'no Kubernetes object'],
    ['a pod without a spec', 'kind: Pod\nmetadata: {name: x}\n', 'Pod x in stdin: spec is not an object'],
  ])('refuses %s', async (_, yaml, said) => {
    expect(await inject(yaml)).toMatchObject({ status: 70, stdout: '', stderr: expect.stringContaining(said) });
  });

  test('passes over empty documents and says when nothing asked', async () => {
    expect(await inject('---\n---\n{kind: ConfigMap, metadata: {name: x}}\n')).toMatchObject({ status: 0, stdout: '{ kind: ConfigMap, metadata: { name: x } }\n', stderr: expect.stringContaining('nothing injected') });
  });
});

describe('explain', () => {
  test('answers for each pod: injected, left alone, refused', async () => {
    const yaml = [KINDS[1]?.[1], '{kind: Pod, metadata: {name: plain}, spec: {containers: []}}', KINDS[2]?.[1].replace('llama-ft-7', 'gone-1')].join('\n---\n');
    const { status, stdout } = await on(yaml, 'explain', '--model', 'llama.yaml', '--namespace', 'serving', '--output', 'json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      { object: 'Deployment web', namespace: 'serving', decision: 'Inject', models: [{ name: 'llama-ft-7', consumers: ['server'] }] },
      { object: 'Pod plain', decision: 'Skip', reason: 'NotLabelled' },
      { object: 'StatefulSet web', decision: 'Deny', reason: 'ModelNotFound', next: expect.stringContaining('--model') },
    ]);
    const text = (await on(yaml, 'explain', '--model', 'llama.yaml')).stdout;
    expect(text).toContain('Deployment web (namespace default): injected\n  model llama-ft-7: a memory volume of 2.1 MB, read by server\n  init container weightlock-llama-ft-7: requests ');
    expect(text).toContain('Pod plain (namespace default): left alone, because it does not carry the label weightlock.dev/inject\n');
    expect(text).toContain('StatefulSet web (namespace default): refused (ModelNotFound): ');
  });

  test('notes what nobody gives credentials', async () => {
    await writeFile(here.path('secret.yaml'), `${model('llama-ft-7')}  access: {secretRef: {name: store}}\n`);
    const noted = 'note: Neither spec.access of model llama-ft-7 nor the pod as it stands here names credentials for AWS KMS.';
    expect((await on(KINDS[0]?.[1] ?? '', 'explain', '--model', 'llama.yaml')).stdout).toContain(noted);
    expect((await on(KINDS[0]?.[1] ?? '', 'explain', '--model', 'secret.yaml')).stdout).not.toContain('names credentials');
  });

  test('refuses a model that no cluster would take', async () => {
    await writeFile(here.path('local.yaml'), model('llama-ft-7').replace(/s3: \{.*\}\}/, 'file: {path: /srv/sealed}}'));
    expect(await on(KINDS[0]?.[1] ?? '', 'explain', '--model', 'local.yaml')).toMatchObject({ status: 70, stderr: expect.stringContaining('spec.source.file, which a cluster refuses') });
  });
});
