import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { assert, integer, property, string } from 'fast-check';
import { parse, parseDocument, visit } from 'yaml';
import { commandLineOnly, emitModel, nameOf, type EmitRequest } from '../../../core/publishing/emit.ts';
import { parseModelFile } from '../../../cli/model-file.ts';

/** The CRD's schema as the API server applies it: closed, since it prunes what it does not know. */
function crdSchema(): object {
  const crd = parse(readFileSync(join(import.meta.dirname, '../../../crds/encryptedmodels.yaml'), 'utf8')) as { spec: { versions: { schema: { openAPIV3Schema: object } }[] } };
  const close = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(close);
    if (typeof node !== 'object' || node === null) return node;
    const members = Object.fromEntries(Object.entries(node).map(([name, value]) => [name, close(value)]));
    return members['type'] === 'object' && members['properties'] !== undefined ? { ...members, additionalProperties: false } : members;
  };
  return close(crd.spec.versions[0]?.schema.openAPIV3Schema) as object;
}
const validate = new Ajv({ strict: false, validateFormats: false }).compile(crdSchema());

const arn = 'arn:aws:kms:eu-west-1:111122223333:key/0f0e0d0c-0b0a-4908-8706-050403020100';
const file = (path: string, size: number) => ({ path, size, realPath: `/x/${path}`, identity: { device: 1n, inode: 1n, size: BigInt(size), mtime: 0n, ctime: 0n } });
const request: EmitRequest = {
  sealed: { digest: 'a'.repeat(64), lineage: 'b'.repeat(64), envelopeId: 'c'.repeat(32), sequence: 7, previous: 'd'.repeat(64), created: '2026-11-23T00:00:00Z', totals: { files: 3, bytes: 60 } },
  model: { name: 'acme/llama-ft', version: '2026.11.2' },
  source: { s3: { bucket: 'acme-models', prefix: 'llama-ft', region: 'eu-west-1' } },
  keys: [{ awsKms: { keyArn: arn, region: 'eu-west-1' } }],
  files: [file('config.json', 10), file('model.safetensors', 20), file('sub/other.json', 30)],
  patterns: { include: [], exclude: [] },
  serviceAccounts: [],
};
const everything: EmitRequest = {
  ...request,
  source: { s3: { bucket: 'acme-models', prefix: 'llama-ft', region: 'eu-west-1', endpoint: 'https://s3.example.com', pathStyle: true } },
  keys: [{ awsKms: { keyArn: arn, region: 'eu-west-1', endpoint: 'https://kms.example.com' }, context: { tenant: 'acme' } }],
  patterns: { include: ['*.json'], exclude: ['sub/**'] },
  name: 'mine', namespace: 'serving', serviceAccounts: ['llama', 'batch'], awsRoleArn: 'arn:aws:iam::111122223333:role/llama',
};

const members = (request: EmitRequest) => parse(emitModel(request)) as { metadata: Record<string, unknown>; spec: Record<string, Record<string, unknown>> };

describe('the object that is emitted', () => {
  test.each([['the least', request], ['everything', everything], ['a secret instead of a role', { ...request, secretRef: 'demo-credentials' }]])('is one that the CRD accepts: %s', (_, request) => {
    expect([validate(members(request)), validate.errors]).toEqual([true, null]);
  });

  test('says what was sealed', () => {
    expect(members(everything)).toEqual({
      apiVersion: 'weightlock.dev/v1alpha1',
      kind: 'EncryptedModel',
      metadata: { name: 'mine', namespace: 'serving', annotations: { 'weightlock.dev/sequence': '7' } },
      spec: {
        source: everything.source,
        keys: everything.keys,
        model: { name: 'acme/llama-ft', version: '2026.11.2' },
        manifest: { digest: `sha256:${'a'.repeat(64)}`, lineage: 'b'.repeat(64), bytes: 10, files: 1 },
        verify: { content: 'Digest' },
        files: { include: ['*.json'], exclude: ['sub/**'] },
        access: { serviceAccountNames: ['llama', 'batch'], awsRoleArn: 'arn:aws:iam::111122223333:role/llama' },
      },
    });
  });

  test('counts what is selected', () => {
    expect(members({ ...request, patterns: { include: ['*.json'], exclude: [] } }).spec['manifest']).toMatchObject({ bytes: 40, files: 2 });
    expect(() => emitModel({ ...request, patterns: { include: ['*.gguf'], exclude: [] } })).toThrow(expect.objectContaining({ code: 'E_TOTALS' }));
  });

  test('quotes every string and holds no null, whatever the strings are', () => {
    for (const version of ['1.10', 'no', '0x10', '~', '', '2026-11-23', '"', 'a: b # c', '\u2028', '1e3']) {
      const yaml = emitModel({ ...request, model: { ...request.model, version } });
      const document = parseDocument(yaml);
      visit(document, {
        Scalar: (key, node) => {
          if (key === 'key') return;
          expect(node.value).not.toBeNull();
          if (typeof node.value === 'string') expect(node.type).toBe('QUOTE_DOUBLE');
        },
      });
      expect(document.getIn(['spec', 'model', 'version'])).toBe(version);
    }
  });

  test('is what the readers of the command line read back', () => {
    expect(parseModelFile(emitModel(everything), 'model.yaml')).toMatchObject({
      name: 'mine', namespace: 'serving', source: everything.source, keys: everything.keys, model: everything.model, digest: 'a'.repeat(64), lineage: 'b'.repeat(64),
      totals: { files: 1, bytes: 10 }, content: 'Digest', patterns: everything.patterns, sequence: 7,
    });
  });

  test('without a cloud names what a cluster would refuse, and no path of this machine\'s key', () => {
    const local: EmitRequest = { ...request, source: { file: { path: '/srv/sealed' } }, keys: [{ localFile: { id: 'sha256:00112233445566778899aabbccddeeff', path: '/home/me/secret.key' } }] };
    expect(commandLineOnly(local.source, local.keys)).toEqual(['spec.source.file', 'spec.keys[].localFile']);
    expect(commandLineOnly(request.source, request.keys)).toEqual([]);
    const yaml = emitModel(local);
    expect(yaml).toContain('Only the command line reads spec.source.file and spec.keys[].localFile');
    expect(yaml).not.toContain('/home/me');
    expect(validate(parse(yaml))).toBe(false);
    expect(parseModelFile(yaml, 'model.yaml')).toMatchObject({ source: local.source, keys: [{ localFile: { id: 'sha256:00112233445566778899aabbccddeeff' } }] });
  });
});

describe('the name of the object', () => {
  test.each([
    ['acme/llama-ft', 7, 'llama-ft-7'],
    ['Llama 3.1 (8B) Instruct', 1, 'llama-3-1-8b-instruct-1'],
    ['org/-Model_', 12, 'model-12'],
    ['org/a-very-long-model-name-that-does-not-fit-anywhere', 123, 'a-very-long-model-name-that-does-not-123'],
    ['org/thirty-nine-characters-up-to-the-cut--x', 1234, 'thirty-nine-characters-up-to-the-cu-1234'],
  ])('%s, sequence %i -> %s', (name, sequence, expected) => {
    expect(nameOf(name, sequence)).toBe(expected);
  });

  test('cannot be made of nothing', () => {
    for (const name of ['org/', '模型', 'org/...']) expect(() => nameOf(name, 1)).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  });

  test('is a DNS label of at most 40 characters, of any name and sequence that give one', () => {
    assert(property(string({ maxLength: 80 }), integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (text, sequence) => {
      const name = nameOf(`x${text.replaceAll('/', '')}`, sequence);
      expect(name).toMatch(/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/);
      expect(name.endsWith(`-${sequence}`)).toBe(true);
    }));
  });
});
