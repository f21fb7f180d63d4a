import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse, parseDocument, stringify } from 'yaml';
import { parseModelFile } from '../../cli/model-file.ts';

const model = {
  apiVersion: 'weightlock.dev/v1alpha1',
  kind: 'EncryptedModel',
  metadata: { name: 'llama-ft-7', namespace: 'serving', annotations: { 'weightlock.dev/sequence': '7' } },
  spec: {
    source: { s3: { bucket: 'acme-models', prefix: 'llama-ft', region: 'eu-west-1', endpoint: 'https://s3.example.com', pathStyle: true } },
    keys: [{ awsKms: { keyArn: 'arn:aws:kms:eu-west-1:111122223333:key/x', region: 'eu-west-1', endpoint: 'https://kms.example.com' }, context: { tenant: 'acme' } }],
    model: { name: 'acme/llama-ft', version: '2026.11.2' },
    manifest: { digest: `sha256:${'a'.repeat(64)}`, lineage: 'b'.repeat(64), bytes: 10, files: 1 },
    verify: { content: 'Aead' },
    files: { include: ['*.json'], exclude: ['x'] },
    access: { serviceAccountNames: ['llama'], awsRoleArn: 'arn:aws:iam::111122223333:role/llama', secretRef: { name: 's' }, instanceRole: false },
    memory: { mode: 'Init', swap: 'Warn', overheadBytes: 268435456 },
  },
};
const read = (value: unknown) => parseModelFile(stringify(value), 'model.yaml');
const changed = (path: readonly (string | number)[], value: unknown) => {
  const document = parseDocument(stringify(model));
  if (value === undefined) document.deleteIn(path);
  else document.setIn(path, value);
  return document.toJS() as unknown;
};

/** `spec.source.s3.bucket`, … of a schema or of a value; list items and open maps end a path. */
function pathsOf(node: unknown, path: string): readonly string[] {
  const { properties, items, additionalProperties } = (typeof node === 'object' && node !== null ? node : {}) as { properties?: Record<string, unknown>; items?: unknown; additionalProperties?: unknown };
  if (properties !== undefined && additionalProperties === undefined) return Object.entries(properties).flatMap(([name, inner]) => pathsOf(inner, `${path}.${name}`));
  return items === undefined ? [path] : pathsOf(items, path);
}
const valuePathsOf = (value: unknown, path: string): readonly string[] => {
  if (Array.isArray(value)) return valuePathsOf(value[0], path);
  if (typeof value !== 'object' || value === null || path.endsWith('.context')) return [path];
  return Object.entries(value).flatMap(([name, inner]) => valuePathsOf(inner, `${path}.${name}`));
};

describe('a model file', () => {
  test('may hold every member of the CRD, and is read', () => {
    const crd = parse(readFileSync(join(import.meta.dirname, '../../crds/encryptedmodels.yaml'), 'utf8')) as { spec: { versions: { schema: { openAPIV3Schema: { properties: { spec: unknown } } } }[] } };
    const members = pathsOf(crd.spec.versions[0]?.schema.openAPIV3Schema.properties.spec, 'spec');
    // The fixture above names them all, so a member added to the CRD must be added here, and then to the reader.
    expect(valuePathsOf(model.spec, 'spec').toSorted((a, b) => a.localeCompare(b))).toEqual(members.toSorted((a, b) => a.localeCompare(b)));
    expect(read(model)).toMatchObject({ name: 'llama-ft-7', namespace: 'serving', content: 'Aead', sequence: 7, digest: 'a'.repeat(64), patterns: { include: ['*.json'], exclude: ['x'] } });
  });

  test('says nothing of what it leaves out', () => {
    for (const member of ['verify', 'files', 'access', 'memory']) expect(read(changed(['spec', member], undefined))).toMatchObject({ name: 'llama-ft-7' });
    expect(read(changed(['metadata', 'annotations'], undefined)).sequence).toBeNull();
    expect(read(changed(['spec', 'verify'], undefined)).content).toBe('Digest');
  });

  test('may come from the cluster, with all that the API server adds', () => {
    expect(read({ ...model, metadata: { ...model.metadata, uid: 'x', resourceVersion: '12', managedFields: [{ a: 1 }] }, status: { consumers: { ready: 3 } } })).toMatchObject({ name: 'llama-ft-7' });
  });

  test('may stand among other objects, once', () => {
    const other = 'kind: Deployment\nmetadata: {name: x}\n';
    expect(parseModelFile(`${other}---\n${stringify(model)}---\n${other}`, 'model.yaml')).toMatchObject({ name: 'llama-ft-7' });
    expect(() => parseModelFile(`${stringify(model)}---\n${stringify(model)}`, 'model.yaml')).toThrow(expect.objectContaining({ code: 'E_CONFIG', message: expect.stringContaining('2 objects') }));
  });

  test.each<[string, readonly (string | number)[], unknown, RegExp]>([
    ['a member with a typo', ['spec', 'manifest', 'digset'], 'x', /manifest: the member "digset" is unknown/],
    ['a missing pin', ['spec', 'manifest', 'lineage'], undefined, /the member "lineage" is missing/],
    ['a digest without its algorithm', ['spec', 'manifest', 'digest'], 'a'.repeat(64), /manifest\.digest/],
    ['a version that YAML made a number', ['spec', 'model', 'version'], 1.1, /model\.version: a string is expected, not a number/],
    ['a fraction of a byte', ['spec', 'manifest', 'bytes'], 1.5, /manifest\.bytes/],
    ['two sources', ['spec', 'source', 'file'], { path: '/x' }, /exactly one of s3 and file/],
    ['no source', ['spec', 'source'], {}, /exactly one of s3 and file/],
    ['two keys in one', ['spec', 'keys', 0, 'localFile'], { id: 'x' }, /keys\[0\] needs exactly one/],
    ['no keys', ['spec', 'keys'], [], /keys is empty/],
    ['a content check that is none', ['spec', 'verify', 'content'], 'None', /verify\.content/],
    ['a sequence that is none', ['metadata', 'annotations', 'weightlock.dev/sequence'], '07', /weightlock\.dev\/sequence/],
    ['another API version', ['apiVersion'], 'weightlock.dev/v2', /apiVersion weightlock\.dev\/v2/],
    ['no name', ['metadata', 'name'], undefined, /metadata\.name/],
  ])('with %s is refused, naming the place', (_, path, value, said) => {
    expect(() => read(changed(path, value))).toThrow(expect.objectContaining({ code: 'E_CONFIG', message: expect.stringMatching(said) }));
  });

  test('that is a bomb of aliases is refused', () => {
    const bomb = `a: &a [x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b]\nd: [*c, *c, *c, *c, *c, *c]\n${stringify(model)}`;
    expect(() => parseModelFile(bomb, 'model.yaml')).toThrow(expect.objectContaining({ code: 'E_CONFIG', message: expect.stringMatching(/alias/i) }));
  });

  test('that is no YAML, or holds a key twice, is refused', () => {
    for (const text of ['a: [', 'kind: EncryptedModel\nkind: EncryptedModel\n', '']) expect(() => parseModelFile(text, 'model.yaml')).toThrow(expect.objectContaining({ code: 'E_CONFIG' }));
  });
});
