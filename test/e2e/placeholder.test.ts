// The belt to the braces: a pod that mounts the placeholder volume cannot start where nobody injected the model.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PLACEHOLDER_CONFIG_MAP, containerNameOf } from '../../core/api/names.ts';
import { EXCLUDED_NAMESPACE, openLab } from './lab.ts';
import { box, deployment, everServed, isServing } from './pods.ts';
import type { ObservedPod, PodOptions } from './pods.ts';
import { closeRoom, openRoom, pathOf, scratch } from './room.ts';
import type { Room } from './room.ts';

const NAME = 'held';
const VOLUME = containerNameOf(NAME);
const WITH_PLACEHOLDER: PodOptions = {
  models: NAME,
  spec: {
    containers: [box('server', 'sleep 3600', { volumeMounts: [{ name: VOLUME, mountPath: '/weights', readOnly: true }] })],
    volumes: [{ name: VOLUME, configMap: { name: PLACEHOLDER_CONFIG_MAP } }],
  },
};
const pods = (namespace: string): string => `${pathOf(namespace, 'pods')}?labelSelector=app%3D${NAME}`;
interface Pods {
  readonly items: readonly ObservedPod[];
}

let room: Room;
let outside: Room;
beforeAll(async () => {
  const lab = await openLab();
  room = await openRoom(lab, 'e2e-placeholder');
  outside = await openRoom(lab, EXCLUDED_NAMESPACE);
  using folder = scratch();
  writeFileSync(join(folder.path, 'file'), 'weights');
  await room.apply(await room.seal(NAME, folder.path));
}, 60_000);
afterAll(async () => {
  await closeRoom(room);
  await closeRoom(outside);
});

describe('a template with the placeholder volume', () => {
  test('is accepted, and the webhook puts the model in the placeholder’s place', async () => {
    await room.apply(deployment(NAME, WITH_PLACEHOLDER));
    const list = await room.lab.cluster.until<Pods>(pods(room.namespace), (seen) => isServing(seen?.items[0]), 60_000);
    const [pod] = list?.items ?? [];
    expect(pod?.spec.volumes?.find(({ name }) => name === VOLUME)).toMatchObject({ emptyDir: { medium: 'Memory' } });
    expect(await room.kubectl('exec', pod?.metadata.name ?? '', '--container', 'server', '--', 'cat', '/weights/file')).toBe('weights');
  });

  test('is accepted where the webhook does not look, and its pods never start: the kubelet says which ConfigMap is missing', async () => {
    await outside.apply(deployment(NAME, WITH_PLACEHOLDER));
    const { cluster } = outside.lab;
    const list = await cluster.until<Pods>(pods(outside.namespace), (seen) => seen?.items[0] !== undefined, 60_000);
    const name = list?.items[0]?.metadata.name ?? '';
    interface Events {
      readonly items: readonly { readonly reason: string; readonly message: string }[];
    }
    const missing = (events: Events | undefined): boolean =>
      events?.items.some(({ reason, message }) => reason === 'FailedMount' && message.includes(PLACEHOLDER_CONFIG_MAP)) ?? false;
    await cluster.until<Events>(`/api/v1/namespaces/${outside.namespace}/events?fieldSelector=involvedObject.name%3D${name}`, missing, 60_000);
    const pod = (await cluster.get(pathOf(outside.namespace, 'pods', name))) as ObservedPod;
    expect(pod.spec.initContainers).toBeUndefined();
    expect(everServed(pod)).toBe(false);
    expect(pod.status.phase).toBe('Pending');
  });
});
