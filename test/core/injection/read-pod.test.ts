// Whoever reaches the webhook's port may send anything: it is read, or refused with E_SCHEMA, and never a defect.
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { WeightlockError } from '../../../core/errors.ts';
import { decide, requestedModels } from '../../../core/injection/decide.ts';
import { nearest } from '../../../core/injection/nearest.ts';
import { applyPatch } from '../../../core/injection/patch.ts';
import { readPod } from '../../../core/injection/read-pod.ts';
import { readFixture, SETTINGS } from './fixture.ts';

describe('a pod', () => {
  test.each<[unknown, string]>([
    [null, 'pod is not an object'],
    [{ spec: null }, 'spec is not an object'],
    [{}, 'spec is not an object'],
    [{ spec: { containers: {} } }, 'spec.containers is not a list'],
    [{ spec: { containers: [null] } }, 'spec.containers[0] is not an object'],
    [{ spec: { containers: [{}] } }, 'spec.containers[0].name is not a string'],
    [{ spec: { containers: [], initContainers: [{ name: 'a', env: [{ name: 1 }] }] } }, 'spec.initContainers[0].env[0].name is not a string'],
    [{ spec: { containers: [{ name: 'a', volumeMounts: [{ name: 'v' }] }] } }, 'spec.containers[0].volumeMounts[0].mountPath is not a string'],
    [{ spec: { containers: [{ name: 'a', resources: { limits: { memory: {} } } }] } }, 'spec.containers[0].resources.limits.memory is not a quantity'],
    [{ metadata: { labels: { a: 1 } }, spec: { containers: [] } }, 'metadata.labels.a is not a string'],
    [{ spec: { containers: [], volumes: [{}] } }, 'spec.volumes[0].name is not a string'],
    [{ spec: { containers: [], securityContext: { runAsUser: '0' } } }, 'spec.securityContext.runAsUser is not a number'],
  ])('%j is refused: %s', (value, message) => {
    expect(() => readPod(value)).toThrow(expect.objectContaining({ code: 'E_SCHEMA', message }));
  });

  test('of any shape is decided about, or refused by its schema', () => {
    const { pod, models } = readFixture('own-init-containers');
    const json = JSON.stringify(pod);
    const leaf = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('', 'weightlock-llama-ft-7', 'true', '/models', '16Gi', '-1', null, 0));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), leaf), { minLength: 1, maxLength: 4 }), (changes) => {
        const mutant: unknown = JSON.parse(json);
        for (const [where, value] of changes) mutate(mutant, where, value);
        try {
          const read = readPod(mutant);
          requestedModels(read);
          const decision = decide(read, 'serving', models, SETTINGS);
          if (decision.kind === 'Inject') applyPatch(mutant, decision.patch);
        } catch (error) {
          expect(error).toBeInstanceOf(WeightlockError);
          expect(error).toMatchObject({ code: 'E_SCHEMA' });
        }
      }),
      { numRuns: 3000 },
    );
  });
});

const base = (spec: object, annotations: object = {}): unknown => ({
  metadata: { labels: { 'weightlock.dev/inject': 'true' }, annotations: { 'weightlock.dev/models': 'llama-ft-7', ...annotations } },
  spec: { containers: [{ name: 'server' }], ...spec },
});

describe('what a pod of megabytes cannot do', () => {
  const { models } = readFixture('bare-pod');
  const denied = (pod: unknown): unknown => decide(readPod(pod), 'serving', models, SETTINGS);

  test('have each of a hundred thousand mounts compared with every other', () => {
    const volumeMounts = Array.from({ length: 100_000 }, (_, index) => ({ name: 'weightlock-llama-ft-7', mountPath: `/${String(index)}` }));
    expect(denied(base({ containers: [{ name: 'server', volumeMounts }] }))).toMatchObject({
      kind: 'Deny',
      message: 'container server mounts models 100000 times',
    });
  });

  test('have each of a hundred thousand models compared with every other', () => {
    const names = Array.from({ length: 100_000 }, (_, index) => `m${String(index)}`).join(',');
    expect(denied(base({}, { 'weightlock.dev/models': names }))).toMatchObject({ kind: 'Deny', message: 'weightlock.dev/models names 100000 models' });
  });

  test('fill the log with what it says', () => {
    const decision = decide(readPod(base({}, { 'weightlock.dev/models': 'X'.repeat(200_000) })), 'serving', models, SETTINGS);
    expect(decision.kind === 'Deny' ? decision.message : '').toMatch(/^.{999}…$/);
  });
});

/** Replaces the `where`-th member or item of all in `document`. */
function mutate(document: unknown, where: number, value: unknown): void {
  const places: { readonly holder: Record<string, unknown>; readonly name: string }[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const name of Object.keys(node)) {
      places.push({ holder: node as Record<string, unknown>, name });
      visit((node as Record<string, unknown>)[name]);
    }
  };
  visit(document);
  const place = places[where % Math.max(1, places.length)];
  if (place !== undefined) place.holder[place.name] = value;
}

test('a typo is answered with the nearest name', () => {
  const names = ['weightlock.dev/models', 'weightlock.dev/containers', 'weightlock.dev/init-order'];
  expect([
    nearest('weightlock.dev/model', names),
    nearest('weightlock.dev/contianers', names),
    nearest('weightlock.dev/initorder', names),
    nearest('x', []),
  ]).toEqual([names[0], names[1], names[2], undefined]);
});

test('a pod without nulls is held once: millions of members fit into memory once, not twice', () => {
  const containers = [{ name: 'server', env: [{ name: 'A', value: 'b' }] }];
  expect(readPod({ metadata: {}, spec: { containers } }).spec.containers).toBe(containers);
});
