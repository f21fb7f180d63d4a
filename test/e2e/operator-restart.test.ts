// While no replica of the operator answers, pods that asked for a model wait or are refused, pods that did not are not touched; once it is back,
// everything converges.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SYSTEM_NAMESPACE } from '../lab/installation.ts';
import { processOf } from '../lab/processes.ts';
import { openLab } from './lab.ts';
import { BOX, RESTRICTED, SERVER_UID, barePod, deployment, isServing } from './pods.ts';
import type { ObservedPod } from './pods.ts';
import { closeRoom, openRoom, pathOf, scratch } from './room.ts';
import type { Room } from './room.ts';

const NAME = 'resilient';
const OPERATOR = 'deployment/weightlock-operator';
interface Pods {
  readonly items: readonly ObservedPod[];
}

const plainPod = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 0,
    securityContext: { runAsNonRoot: true, runAsUser: SERVER_UID, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [{ name: 'server', image: BOX, command: ['sleep', '3600'], securityContext: RESTRICTED }],
  },
});

let room: Room;
const system = (...args: string[]): Promise<string> => room.lab.cluster.kubectl(['--namespace', SYSTEM_NAMESPACE, ...args]);
const operatorPods = (): string => `${pathOf(SYSTEM_NAMESPACE, 'pods')}?labelSelector=app.kubernetes.io%2Fcomponent%3Doperator`;
let replicas = '2';

function kill(pid: number | undefined): void {
  if (pid === undefined) throw new Error('the operator has no process');
  process.kill(pid, 'SIGKILL');
}

beforeAll(async () => {
  room = await openRoom(await openLab(), 'e2e-restart');
  using folder = scratch();
  writeFileSync(join(folder.path, 'file'), 'weights');
  await room.apply(await room.seal(NAME, folder.path), barePod('before', { models: NAME }));
  await room.lab.cluster.until<ObservedPod>(pathOf(room.namespace, 'pods', 'before'), isServing, 60_000);
  replicas = await system('get', OPERATOR, '--output', 'jsonpath={.spec.replicas}');
}, 120_000);
afterAll(async () => {
  await system('scale', OPERATOR, `--replicas=${replicas}`); // whatever failed here, the next file needs it
  await system('rollout', 'status', OPERATOR, '--timeout=100s');
  await closeRoom(room);
}, 120_000);

describe('when every replica of the operator is killed at once', () => {
  test('the kubelet starts them again, and the next labelled pod is served', async () => {
    const { cluster } = room.lab;
    const before = ((await cluster.get(operatorPods())) as Pods).items;
    for (const { metadata } of before) kill(processOf(metadata.uid, '/app/main.mjs'));
    const restarted = (pods: Pods | undefined): boolean =>
      pods?.items.length === before.length && pods.items.every((pod) => isServing(pod) && pod.status.containerStatuses?.[0]?.restartCount !== 0);
    await cluster.until<Pods>(operatorPods(), restarted, 90_000);
    await room.apply(barePod('after-kill', { models: NAME }));
    await cluster.until<ObservedPod>(pathOf(room.namespace, 'pods', 'after-kill'), isServing, 60_000);
    await room.kubectl('delete', 'pod', 'after-kill');
  });
});

describe('while the operator is gone', () => {
  beforeAll(async () => {
    // Not by force: the object of a pod deleted so is gone before its process is, and that one answers to its last moment.
    await system('scale', OPERATOR, '--replicas=0');
    await room.lab.cluster.until<Pods>(operatorPods(), (pods) => pods?.items.length === 0, 90_000);
  }, 100_000);

  test('a labelled pod is refused, not started without its model', async () => {
    await expect(room.apply(barePod('refused', { models: NAME }))).rejects.toThrow(/failed calling webhook "pods\.weightlock\.dev"/);
  });

  test('a Deployment’s labelled pods wait: its ReplicaSet says why and tries again', async () => {
    await room.apply(deployment('waiting', { models: NAME }));
    interface Sets {
      readonly items: readonly { readonly status: { readonly conditions?: readonly { readonly type: string; readonly message: string }[] } }[];
    }
    const says = (sets: Sets | undefined): boolean =>
      sets?.items.some(({ status }) =>
        status.conditions?.some(({ type, message }) => type === 'ReplicaFailure' && message.includes('pods.weightlock.dev')),
      ) ?? false;
    await room.lab.cluster.until<Sets>(pathOf(room.namespace, 'replicasets'), says, 60_000);
    expect(((await room.lab.cluster.get(`${pathOf(room.namespace, 'pods')}?labelSelector=app%3Dwaiting`)) as Pods).items).toEqual([]);
  });

  test('a pod without the label starts as ever, and pods that serve go on serving', async () => {
    await room.apply(plainPod('plain'));
    const pod = await room.lab.cluster.until<ObservedPod>(pathOf(room.namespace, 'pods', 'plain'), isServing, 60_000);
    expect(pod?.spec.initContainers).toBeUndefined();
    expect(Object.keys(pod?.metadata.annotations ?? {}).filter((key) => key.startsWith('weightlock.dev/'))).toEqual([]);
    expect(isServing((await room.lab.cluster.get(pathOf(room.namespace, 'pods', 'before'))) as ObservedPod)).toBe(true);
  });
});

describe('once the operator is back', () => {
  beforeAll(async () => {
    await system('scale', OPERATOR, `--replicas=${replicas}`);
    await system('rollout', 'status', OPERATOR, '--timeout=100s');
  }, 110_000);

  test('the pods that waited run, with their model', async () => {
    const pods = await room.lab.cluster.until<Pods>(
      `${pathOf(room.namespace, 'pods')}?labelSelector=app%3Dwaiting`,
      (list) => isServing(list?.items[0]),
      100_000,
    );
    expect(pods?.items[0]?.spec.initContainers?.map(({ name }) => name)).toEqual([`weightlock-${NAME}`]);
  });

  test('the API server trusts it under the CA of before: the Secret outlives the operator', async () => {
    await room.apply(barePod('after', { models: NAME }));
    await room.lab.cluster.until<ObservedPod>(pathOf(room.namespace, 'pods', 'after'), isServing, 60_000);
  });

  test('the status of the model counts all of them', async () => {
    interface Observed {
      readonly status?: { readonly consumers?: { readonly ready: number } };
    }
    await room.lab.cluster.until<Observed>(pathOf(room.namespace, 'encryptedmodels', NAME), (model) => model?.status?.consumers?.ready === 3, 60_000);
  });
});
