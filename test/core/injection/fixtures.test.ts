// Every folder of fixtures/ is a case: what a person wrote, what admission makes of it, and what holds for all of them.
import { readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { RESERVED_PREFIX } from '../../../core/api/names.ts';
import { type Decision, decide } from '../../../core/injection/decide.ts';
import { applyPatch } from '../../../core/injection/patch.ts';
import type { Container, Pod, Quantities } from '../../../core/injection/pod.ts';
import { readPod } from '../../../core/injection/read-pod.ts';
import { type Fixture, FIXTURES, readable, readFixture, SETTINGS } from './fixture.ts';

const cases = readdirSync(FIXTURES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

const decideOn = (pod: unknown, { models }: Fixture): Decision => decide(readPod(pod), 'serving', models, SETTINGS);

function injected(pod: unknown, fixture: Fixture): Pod {
  const decision = decideOn(pod, fixture);
  if (decision.kind !== 'Inject') throw new Error(JSON.stringify(decision));
  return applyPatch(readPod(pod), decision.patch);
}

describe.each(cases)('%s', (name) => {
  const fixture = readFixture(name);

  if (fixture.denied !== undefined) {
    test('is refused with the reason and the next step', () => {
      const decision = decideOn(fixture.pod, fixture);
      expect(decision.kind === 'Deny' ? `${decision.reason}\n${decision.message}\n${decision.next}` : decision).toBe(fixture.denied);
    });
    return;
  }

  test('becomes what is expected', () => {
    expect(readable(injected(fixture.pod, fixture))).toEqual(fixture.expected);
  });

  test('a second pass changes nothing', () => {
    expect(decideOn(injected(fixture.pod, fixture), fixture)).toMatchObject({ kind: 'Inject', patch: [] });
  });

  test("a pass after the API server's own additions takes the token away and nothing else", () => {
    const once = injected(fixture.pod, fixture);
    expect(readable(injected(asTheApiServerKeepsIt(once), fixture))).toEqual(readable(withoutToken(asTheApiServerKeepsIt(once))));
  });

  test("everybody else's containers and volumes stay what they were, but for mounts of models", () => {
    const before = readPod(fixture.pod);
    expect(foreignParts(injected(fixture.pod, fixture))).toEqual(foreignParts(before));
  });
});

const TOKEN_MOUNT = { name: 'kube-api-access-x7k2p', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true };

const isOurs = ({ name }: { readonly name: string }): boolean => name.startsWith(RESERVED_PREFIX);
const isForeign = (named: { readonly name: string }): boolean => !isOurs(named);

function withOurs(pod: Pod, change: (container: Container) => Container): Pod {
  return {
    ...pod,
    spec: { ...pod.spec, initContainers: (pod.spec.initContainers ?? []).map((container) => (isOurs(container) ? change(container) : container)) },
  };
}

/** Quantities spelled its way, defaults filled in, and the account's token mounted in every container: the service account plugin runs again after us. */
const asTheApiServerKeepsIt = (pod: Pod): Pod =>
  withOurs(pod, (container) => ({
    ...container,
    imagePullPolicy: 'IfNotPresent',
    resources: { requests: respelled(container.resources?.requests), limits: respelled(container.resources?.limits) },
    volumeMounts: [...(container.volumeMounts ?? []), TOKEN_MOUNT],
  }));

const withoutToken = (pod: Pod): Pod =>
  withOurs(pod, (container) => ({ ...container, volumeMounts: (container.volumeMounts ?? []).filter(({ name }) => name !== TOKEN_MOUNT.name) }));

const respelled = (amounts: Quantities | undefined): Quantities =>
  Object.fromEntries(Object.entries(amounts ?? {}).map(([name, amount]) => [name, respell(String(amount))]));
const respell = (amount: string): string => amount.replace(/^(\d+)$/, '$1000m').replace(/^(\d+)Gi$/, (_, gib: string) => `${String(Number(gib) * 1024)}Mi`);

const bare = (container: Container): Container => ({ ...container, volumeMounts: (container.volumeMounts ?? []).filter(isForeign) });

const foreignParts = ({ spec }: Pod): unknown => ({
  ...spec,
  containers: spec.containers.map(bare),
  initContainers: (spec.initContainers ?? []).filter(isForeign).map(bare),
  volumes: (spec.volumes ?? []).filter(isForeign),
});
