// Every shape in which pods come to be, and what they may have beside a model: each is injected, serves, and is left alone the second time.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { openLab } from './lab.ts';
import { barePod, box, deployment, isServing, podTemplate } from './pods.ts';
import type { ObservedPod, PodOptions } from './pods.ts';
import { closeRoom, openRoom, pathOf, scratch } from './room.ts';
import type { Room } from './room.ts';

let room: Room;
interface Pods {
  readonly items: readonly ObservedPod[];
}

beforeAll(async () => {
  room = await openRoom(await openLab(), 'e2e-shapes');
  for (const name of ['base', 'lora']) {
    using folder = scratch();
    writeFileSync(join(folder.path, 'file'), `weights of ${name}`);
    await room.apply(await room.seal(name, folder.path));
  }
}, 120_000);
afterEach(async () => {
  // One shape at a time: the node is small.
  await room.kubectl('delete', 'deployments,statefulsets,jobs,pods', '--all', '--wait');
});
afterAll(() => closeRoom(room));

const BASE: PodOptions = { models: 'base', labels: { shape: 'it' } };
const shaped = (): string => `${pathOf(room.namespace, 'pods')}?labelSelector=shape%3Dit`;

async function thePod(holds: (pod: ObservedPod) => boolean): Promise<ObservedPod> {
  const list = await room.lab.cluster.until<Pods>(shaped(), (pods) => pods?.items[0] !== undefined && holds(pods.items[0]), 90_000);
  const pod = list?.items[0];
  if (pod === undefined) throw new Error('no pod');
  return pod;
}
const initNames = (pod: ObservedPod): (string | undefined)[] => (pod.spec.initContainers ?? []).map(({ name }) => name);
const reads = (pod: ObservedPod, container: string, path: string): Promise<string> =>
  room.kubectl('exec', pod.metadata.name, '--container', container, '--', 'cat', path);

describe('a model gets into', () => {
  test('a bare pod', async () => {
    await room.apply(barePod('bare', BASE));
    expect(await reads(await thePod(isServing), 'server', '/models/base/file')).toBe('weights of base');
  });

  test('a pod whose name the API server makes up', async () => {
    const { metadata, spec } = podTemplate(BASE);
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'made-up-', namespace: room.namespace, ...metadata }, spec };
    await room.lab.cluster.kubectl(['create', '--filename', '-'], { input: JSON.stringify(pod) });
    const made = await thePod(isServing);
    expect(made.metadata.name).toMatch(/^made-up-/);
    expect(initNames(made)).toEqual(['weightlock-base']);
  });

  test('a Deployment', async () => {
    await room.apply(deployment('deployed', BASE));
    expect(initNames(await thePod(isServing))).toEqual(['weightlock-base']);
  });

  test('a StatefulSet', async () => {
    const set = {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'stateful' },
      spec: { serviceName: 'none', selector: { matchLabels: { shape: 'it' } }, template: podTemplate(BASE) },
    };
    await room.apply(set);
    expect((await thePod(isServing)).metadata.name).toBe('stateful-0');
  });

  test('a Job, which completes', async () => {
    const template = podTemplate({ ...BASE, script: 'cat /models/base/file', spec: { restartPolicy: 'Never' } });
    await room.apply({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'batch' }, spec: { template } });
    const pod = await thePod(({ status }) => status.phase === 'Succeeded');
    expect(await room.kubectl('logs', pod.metadata.name, '--container', 'server')).toBe('weights of base');
  });

  test('a pod with init containers and a native sidecar of its own, before all of them', async () => {
    const initContainers = [box('prepare', 'true'), box('sidecar', 'sleep 3600', { restartPolicy: 'Always' }), box('check', 'true')];
    await room.apply(barePod('busy', { ...BASE, spec: { initContainers } }));
    const pod = await thePod(isServing);
    expect(initNames(pod)).toEqual(['weightlock-base', 'prepare', 'sidecar', 'check']);
    expect(await reads(pod, 'server', '/models/base/file')).toBe('weights of base');
  });

  test('one of two containers: the one that the annotation names', async () => {
    const containers = [box('front', 'sleep 3600'), box('engine', 'sleep 3600')];
    await room.apply(barePod('pair', { ...BASE, annotations: { 'weightlock.dev/containers': 'engine' }, spec: { containers } }));
    const pod = await thePod(isServing);
    expect(await reads(pod, 'engine', '/models/base/file')).toBe('weights of base');
    expect(pod.spec.containers.find(({ name }) => name === 'front')?.volumeMounts?.filter(({ name }) => name.startsWith('weightlock-'))).toEqual([]);
  });

  test('a pod together with another model, each under its own path', async () => {
    await room.apply(barePod('two', { ...BASE, models: 'base=/weights/base, lora=/weights/lora' }));
    const pod = await thePod(isServing);
    expect(await reads(pod, 'server', '/weights/base/file')).toBe('weights of base');
    expect(await reads(pod, 'server', '/weights/lora/file')).toBe('weights of lora');
    expect(initNames(pod)).toEqual(['weightlock-base', 'weightlock-lora']);
  });
});

describe('a pod that is not clear about its container', () => {
  test('is refused, and the message names the annotation that would tell', async () => {
    const containers = [box('front', 'sleep 3600'), box('engine', 'sleep 3600')];
    await expect(room.apply(barePod('unclear', { ...BASE, spec: { containers } }))).rejects.toThrow(/weightlock\.dev\/containers/);
  });
});

const dryRun = async (pod: object): Promise<ObservedPod> =>
  JSON.parse(
    await room.lab.cluster.kubectl(['create', '--dry-run=server', '--output', 'json', '--filename', '-'], { input: JSON.stringify(pod) }),
  ) as ObservedPod;

describe('admission without side effects', () => {
  const identity = ['uid', 'resourceVersion', 'creationTimestamp', 'generation', 'managedFields'];
  /** What a person would apply again: without what belongs to one object's life. */
  function exported(pod: object): object {
    const { metadata, spec } = pod as { metadata: Record<string, unknown>; spec: Record<string, unknown> };
    const { nodeName: _, ...rest } = spec;
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: Object.fromEntries(Object.entries(metadata).filter(([member]) => !identity.includes(member))),
      spec: rest,
    };
  }

  test('a second pass over an injected pod changes nothing', async () => {
    await room.apply(barePod('first', BASE));
    await thePod(isServing);
    const first = (await room.lab.cluster.get(pathOf(room.namespace, 'pods', 'first'))) as object;
    const again = exported(first) as { metadata: { name: string } };
    again.metadata.name = 'second';
    const second = await dryRun(again);
    expect(second.spec).toEqual((exported(first) as { spec: object }).spec);
    expect([second.metadata.labels, second.metadata.annotations]).toEqual([
      (first as ObservedPod).metadata.labels,
      (first as ObservedPod).metadata.annotations,
    ]);
  });

  test('kubectl apply --dry-run=server shows the injected pod and makes nothing', async () => {
    const pod = { ...barePod('dry', BASE), metadata: { ...(barePod('dry', BASE) as { metadata: object }).metadata, namespace: room.namespace } };
    const shown = JSON.parse(
      await room.lab.cluster.kubectl(['apply', '--dry-run=server', '--output', 'json', '--filename', '-'], { input: JSON.stringify(pod) }),
    ) as ObservedPod;
    expect(initNames(shown)).toEqual(['weightlock-base']);
    expect(await room.lab.cluster.get(pathOf(room.namespace, 'pods', 'dry'))).toBeUndefined();
    const events = (await room.lab.cluster.get(`/api/v1/namespaces/${room.namespace}/events?fieldSelector=involvedObject.name%3Ddry`)) as {
      items: unknown[];
    };
    expect(events.items).toEqual([]);
  });

  test.each(['Deployment', 'Pod'])('a %s applied again, by either kind of apply, is as it was: no drift, and kubectl diff is empty', async (kind) => {
    const object = { ...(kind === 'Pod' ? barePod('still', BASE) : deployment('still', BASE)) } as { metadata: object };
    const input = JSON.stringify({ ...object, metadata: { ...object.metadata, namespace: room.namespace } });
    const { cluster } = room.lab;
    const path = pathOf(room.namespace, kind === 'Pod' ? 'pods' : 'deployments', 'still');
    const spec = async (): Promise<unknown> => ((await cluster.get(path)) as { spec: object }).spec;
    for (const flags of [['--server-side', '--force-conflicts'], []]) {
      await cluster.kubectl(['apply', ...flags, '--filename', '-'], { input });
      await thePod(isServing);
      const before = await spec();
      await cluster.kubectl(['apply', ...flags, '--filename', '-'], { input });
      expect(await spec()).toEqual(before);
      const { status, stdout } = await cluster.attempt('kube', ['kubectl', 'diff', ...flags, '--filename', '-'], { input });
      expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    }
  });
});
