// What admission writes is what the decryptor reads.
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { EncryptedModel } from '../../../core/api/encrypted-model.ts';
import { decide } from '../../../core/injection/decide.ts';
import { applyPatch } from '../../../core/injection/patch.ts';
import { readPod } from '../../../core/injection/read-pod.ts';
import { parseDecryptorConfig } from '../../../init-decryptor/config-schema.ts';
import { FIXTURES, readFixture, SETTINGS } from './fixture.ts';

const cases = readdirSync(FIXTURES, { withFileTypes: true })
  .map(({ name }) => name)
  .filter((name) => existsSync(new URL(`${name}/expect.yaml`, FIXTURES)));

/** The text of WEIGHTLOCK_CONFIG in each of our containers. */
function configurationsOf(pod: unknown, models: ReadonlyMap<string, EncryptedModel>): readonly string[] {
  const decision = decide(readPod(pod), 'serving', models, SETTINGS);
  if (decision.kind !== 'Inject') throw new Error(JSON.stringify(decision));
  const { spec } = applyPatch(readPod(pod), decision.patch);
  return (spec.initContainers ?? []).flatMap(({ env = [] }) => env.flatMap(({ name, value }) => (name === 'WEIGHTLOCK_CONFIG' ? [value ?? ''] : [])));
}

test.each(cases)("%s: the decryptor's closed schema takes the configuration whole", (name) => {
  const { pod, models } = readFixture(name);
  const texts = configurationsOf(pod, models);
  expect(texts.length).toBeGreaterThan(0);
  for (const text of texts) expect(parseDecryptorConfig(Buffer.from(text), name)).toEqual(JSON.parse(text));
});

describe('a model', () => {
  const { pod, models } = readFixture('bare-pod');
  const [model] = models.values();
  if (model === undefined) throw new Error('the fixture holds no model');
  const configured = (spec: Partial<EncryptedModel['spec']>): unknown =>
    JSON.parse(configurationsOf(pod, new Map([['llama-ft-7', { ...model, spec: { ...model.spec, ...spec } }]]))[0] ?? '');

  test.each([
    ['https://s3.example:443', 'https://s3.example'],
    ['http://10.77.0.1:80', 'http://10.77.0.1'],
    ['https://[2001:db8:0:0::1]:9000', 'https://[2001:db8::1]:9000'],
  ])('with the endpoint %s is configured as %s', (endpoint, origin) => {
    expect(configured({ source: { s3: { bucket: 'b', prefix: '', endpoint } } })).toMatchObject({ source: { s3: { endpoint: origin } } });
  });

  test('is configured with the same bytes, whatever the order of its members', () => {
    const [key] = model.spec.keys;
    const forth = configured({ keys: [{ ...key, context: { a: '1', b: '2' } }] });
    const back = configured({ keys: [{ context: { b: '2', a: '1' }, ...(key?.awsKms === undefined ? {} : { awsKms: key.awsKms }) }] });
    expect(JSON.stringify(back)).toBe(JSON.stringify(forth));
  });

  test('with a dollar in its name gives the kubelet nothing to expand', () => {
    const name = 'acme/$(KUBERNETES_SERVICE_HOST)$$';
    const [text = ''] = configurationsOf(pod, new Map([['llama-ft-7', { ...model, spec: { ...model.spec, model: { name, version: '1' } } }]]));
    expect(text).not.toContain('$');
    expect(JSON.parse(text)).toMatchObject({ model: { name } });
  });

  test('that names no region takes that of the container that reads it, where that is one', () => {
    const { spec, metadata } = readPod(pod);
    const withRegion = (value: string): unknown => ({
      metadata,
      spec: { ...spec, containers: spec.containers.map((container) => ({ ...container, env: [{ name: 'AWS_REGION', value }] })) },
    });
    const regionless = new Map([['llama-ft-7', { ...model, spec: { ...model.spec, source: { s3: { bucket: 'b', prefix: '' } } } }]]);
    const regionOf = (value: string): unknown =>
      (JSON.parse(configurationsOf(withRegion(value), regionless)[0] ?? '') as { source: { s3: { region?: string } } }).source.s3.region;
    expect([regionOf('eu-north-1'), regionOf('https://evil.example')]).toEqual(['eu-north-1', undefined]);
  });
});
