// The main job on real parts: a real model, sealed, served from memory in a namespace with Pod Security "restricted", a quota and limits.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { toolPaths } from '../../setup/tools.ts';
import { MODEL_PATH, SERVER_PORT, ask, plainAnswer, serverContainer } from '../lab/inference.ts';
import { inferenceServer } from '../demo/server/image.ts';
import { openLab } from './lab.ts';
import { SERVER_UID, deployment, isServing, podTemplate } from './pods.ts';
import type { ObservedPod } from './pods.ts';
import { closeRoom, openRoom, pathOf } from './room.ts';
import type { Room } from './room.ts';

const NAME = 'minilm';
const TEXTS = ['Model weights are encrypted everywhere but in memory.', 'The quick brown fox jumps over the lazy dog.'];
const QUOTA = {
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'quota' },
  spec: { hard: { 'requests.cpu': '4', 'requests.memory': '4Gi', 'limits.cpu': '64', 'limits.memory': '4Gi', pods: '10' } },
};
const LIMITS = {
  apiVersion: 'v1',
  kind: 'LimitRange',
  metadata: { name: 'limits' },
  spec: {
    limits: [{ type: 'Container', defaultRequest: { cpu: '50m', memory: '64Mi' }, default: { cpu: '2', memory: '256Mi' }, max: { memory: '2Gi' } }],
  },
};
const SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: NAME },
  spec: { selector: { app: NAME }, ports: [{ port: 80, targetPort: SERVER_PORT }] },
};

let room: Room;
let pod: ObservedPod;

beforeAll(async () => {
  room = await openRoom(await openLab(), 'e2e-serve');
  const { lab, namespace } = room;
  await room.apply(QUOTA, LIMITS, SERVICE);
  await lab.cluster.loadImage(inferenceServer().archive);
  await room.apply(await room.seal(NAME, toolPaths().modelFolder));
  await room.apply(deployment(NAME, { models: `${NAME}=${MODEL_PATH}`, spec: { containers: [serverContainer()] } }));
  const path = `${pathOf(namespace, 'pods')}?labelSelector=app%3D${NAME}`;
  const list = await lab.cluster.until<{ items: readonly ObservedPod[] }>(path, (pods) => isServing(pods?.items[0]), 110_000);
  pod = list?.items[0] as ObservedPod;
}, 180_000);
afterAll(() => closeRoom(room));

describe('a pod with one label and one annotation', () => {
  test('answers exactly as the plain model does', async () => {
    const service = (await room.lab.cluster.get(pathOf(room.namespace, 'services', NAME))) as { spec: { clusterIP: string } };
    const [sealed, plain] = await Promise.all([ask(room.lab.cluster, `http://${service.spec.clusterIP}`, TEXTS), plainAnswer(TEXTS)]);
    expect(sealed).toHaveLength(TEXTS.length);
    expect(sealed[0]).toHaveLength(384);
    expect(sealed).toEqual(plain);
  });

  test('reads the model read-only, from memory that is never swapped, as another user than the decryptor’s image', async () => {
    // The server's own container has no shell: look at it from the node, as its processes see it.
    const { cluster } = room.lab;
    const pid = (
      await cluster.exec('bash', [
        '-c',
        `for p in /proc/[0-9]*; do grep -qs "$0" $p/cgroup && grep -qs server.mjs $p/cmdline && basename $p; done | head -1`,
        pod.metadata.uid,
      ])
    ).trim();
    expect(pid).toMatch(/^\d+$/);
    expect(await cluster.exec('grep', ['^Uid:', `/proc/${pid}/status`])).toContain(`\t${SERVER_UID}\t`);
    const mount = (await cluster.exec('grep', [` ${MODEL_PATH} `, `/proc/${pid}/mountinfo`])).trim();
    expect(mount).toMatch(/ \/models ro,/);
    expect(mount).toMatch(/ - tmpfs tmpfs .*\bnoswap\b/);
    expect(await cluster.exec('stat', ['--format', '%a', `/proc/${pid}/root${MODEL_PATH}/model.safetensors`])).toBe('444\n');
    expect((await cluster.attempt('grep', ['^CapEff:', `/proc/${pid}/status`])).stdout).toMatch(/CapEff:\t0+\n/);
  });

  test('says how it got there: annotation, label, outcome, status of the model', async () => {
    const model = await room.lab.cluster.until<{
      spec: { manifest: { digest: string; bytes: number } };
      status?: { consumers?: { ready?: number }; pods?: readonly { name: string; bytes: number; phase: string }[] };
    }>(pathOf(room.namespace, 'encryptedmodels', NAME), (seen) => seen?.status?.consumers?.ready === 1, 30_000);
    expect(pod.metadata.annotations['weightlock.dev/injected']).toMatch(/^\d+\.\d+\.\d+/);
    expect(pod.metadata.labels[`model.weightlock.dev/${NAME}`]).toBe(model?.spec.manifest.digest.slice('sha256:'.length, 'sha256:'.length + 12));
    expect(model?.status?.pods).toMatchObject([{ name: pod.metadata.name, bytes: model?.spec.manifest.bytes, phase: 'Ready' }]);
    const table = await room.kubectl('get', 'encryptedmodels');
    expect(table).toMatch(new RegExp(`${NAME} +True `));
  });

  test('the namespace does enforce "restricted": the same pod running as root is refused', async () => {
    const { metadata, spec } = podTemplate({ models: NAME });
    const root = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'as-root', ...metadata }, spec: { ...spec, securityContext: { runAsUser: 0 } } };
    await expect(room.apply(root)).rejects.toThrow(/violates PodSecurity "restricted/);
  });
});
