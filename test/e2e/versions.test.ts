// A version is pinned by the digest of its manifest: what is published later into the same prefix changes nothing for pods of the version before.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EncryptedModel } from '../../core/api/encrypted-model.ts';
import { openLab } from './lab.ts';
import { deployment, isServing } from './pods.ts';
import type { ObservedPod } from './pods.ts';
import { closeRoom, openRoom, pathOf, scratch } from './room.ts';
import type { Room } from './room.ts';

let room: Room;
let [seven, eight]: (EncryptedModel | undefined)[] = [];

async function publish(version: string): Promise<EncryptedModel> {
  using folder = scratch();
  writeFileSync(join(folder.path, 'weights.bin'), `weights of version ${version}`);
  return await room.seal('llama', folder.path, { version, more: ['--emit-name', `llama-${version}`] });
}

interface Pods {
  readonly items: readonly ObservedPod[];
}
const pods = (): string => `${pathOf(room.namespace, 'pods')}?labelSelector=app%3Dserver`;
const read = (pod: string, model: string): Promise<string> =>
  room.kubectl('exec', pod, '--container', 'server', '--', 'cat', `/models/${model}/weights.bin`);

/** Names of the Deployment's pods, all serving, none of them among `gone`. */
async function servingPods(gone: readonly string[] = []): Promise<readonly string[]> {
  const list = await room.lab.cluster.until<Pods>(
    pods(),
    (seen) => seen?.items.length === 2 && seen.items.every((pod) => isServing(pod) && !gone.includes(pod.metadata.name)),
    100_000,
  );
  return (list?.items ?? []).map(({ metadata }) => metadata.name);
}

beforeAll(async () => {
  room = await openRoom(await openLab(), 'e2e-versions');
  seven = await publish('7');
  await room.apply(seven, deployment('server', { models: 'llama-7' }, 2));
  await servingPods();
}, 150_000);
afterAll(() => closeRoom(room));

describe('when version 8 is sealed into the prefix of version 7', () => {
  test('both are objects of their own, and 8 follows 7 in sequence', async () => {
    eight = await publish('8');
    expect(eight.spec.source).toEqual(seven?.spec.source);
    expect(eight.spec.manifest.digest).not.toBe(seven?.spec.manifest.digest);
    expect([seven, eight].map((model) => model?.metadata.annotations?.['weightlock.dev/sequence'])).toEqual(['1', '2']);
  });

  test('pods pinned to 7 restart with 7', async () => {
    const before = await servingPods();
    await room.kubectl('delete', 'pods', '--selector', 'app=server', '--wait=false');
    const after = await servingPods(before);
    for (const pod of after) expect(await read(pod, 'llama-7')).toBe('weights of version 7');
  });

  test('a roll-out of a template that names 8 serves 8, and its undo serves 7 again', async () => {
    if (eight === undefined) throw new Error('8 was not sealed');
    const before = await servingPods();
    await room.apply(eight, deployment('server', { models: 'llama-8' }, 2));
    const rolled = await servingPods(before);
    for (const pod of rolled) expect(await read(pod, 'llama-8')).toBe('weights of version 8');
    await room.kubectl('rollout', 'undo', 'deployment/server');
    for (const pod of await servingPods(rolled)) expect(await read(pod, 'llama-7')).toBe('weights of version 7');
  });

  test('what a version names cannot be changed afterwards', async () => {
    const patch = JSON.stringify({ spec: { manifest: { digest: eight?.spec.manifest.digest } } });
    await expect(room.kubectl('patch', 'encryptedmodel', 'llama-7', '--type', 'merge', '--patch', patch)).rejects.toThrow(/never changes/);
  });
});
