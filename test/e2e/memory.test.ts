// The memory arithmetic (docs/memory-sizing.md) on a real node. tmpfs pages stay charged to the pod, while its cgroup's limit is the larger of init
// container and server: without the arithmetic a model and a server that each fit do not fit together.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { madeImages } from '../lab/installation.ts';
import { weightlock } from '../lab/sealing.ts';
import { openLab } from './lab.ts';
import { barePod, box, isServing } from './pods.ts';
import type { ObservedPod, PodOptions } from './pods.ts';
import { closeRoom, openRoom, pathOf, scratch } from './room.ts';
import type { Room } from './room.ts';

const MIB = 1024 * 1024;
const LOOK_EVERY_MS = 200;
const NAME = 'heavy';
const MODEL_MIB = 96;
const SERVER_MIB = 280;
/** What the server really touches: within its own limit, and too much for a pod that was sized for the larger of the two alone. */
const USED_MIB = 260;
/** Of the decryptor itself: less than the server, so that the sum and not this decides. */
const OVERHEAD_MIB = 160;

// Reads the whole model, then holds that much in its heap: dd's one block, filled, which nobody takes from
// the pipe. dd is the container's first process: its end is the container's.
const SERVER: PodOptions = {
  models: `${NAME}=/models`,
  spec: {
    containers: [
      box(
        'server',
        `cat /models/weights.bin > /dev/null && mkfifo /tmp/held && { sleep 3600 < /tmp/held & } && exec dd if=/dev/zero of=/tmp/held bs=${USED_MIB}M count=1`,
        {
          resources: { requests: { cpu: '10m', memory: `${SERVER_MIB}Mi` }, limits: { memory: `${SERVER_MIB}Mi` } },
        },
      ),
    ],
  },
};

let room: Room;
interface Manifest {
  spec: {
    initContainers: { name: string; resources: { requests: Record<string, string>; limits: Record<string, string> } }[];
    volumes: { name: string; emptyDir?: { sizeLimit: string } }[];
  };
  metadata: { name: string };
}
let injected: Manifest;

beforeAll(async () => {
  room = await openRoom(await openLab(), 'e2e-memory');
  using work = scratch();
  writeFileSync(join(work.path, 'weights.bin'), randomBytes(MODEL_MIB * MIB));
  const model = await room.seal(NAME, work.path);
  const sized = { ...model, spec: { ...model.spec, memory: { mode: 'Init', overheadBytes: OVERHEAD_MIB * MIB } } };
  await room.apply(sized, barePod('with', SERVER));

  using files = scratch();
  const [pod, yaml] = [join(files.path, 'pod.yaml'), join(files.path, 'model.yaml')];
  writeFileSync(
    pod,
    stringify({
      ...barePod('without', SERVER),
      metadata: { ...(barePod('without', SERVER) as { metadata: object }).metadata, namespace: room.namespace },
    }),
  );
  writeFileSync(yaml, stringify(sized));
  const { s3, kms, cluster } = room.lab;
  injected = parse(
    await weightlock(cluster, [
      'inject',
      '-f',
      pod,
      '--model',
      yaml,
      '--image',
      madeImages()['init-decryptor'].pinned,
      '--allow-endpoint',
      s3.origin,
      '--allow-endpoint',
      kms.origin,
    ]),
  ) as Manifest;
}, 120_000);
afterAll(() => closeRoom(room));

/** The pod's own memory cgroup, read on the node (v1 here, v2 where the machine has it alone). */
async function podCgroup(uid: string): Promise<{ readonly limit: number; readonly usage: number }> {
  const find = `d=$(find /sys/fs/cgroup/memory /sys/fs/cgroup -maxdepth 5 -type d -name "*$0*" 2> /dev/null | head -1); cat $d/memory.limit_in_bytes 2> /dev/null || cat $d/memory.max; cat $d/memory.usage_in_bytes 2> /dev/null || cat $d/memory.current`;
  for (const name of [`pod${uid}`, `pod${uid.replaceAll('-', '_')}`]) {
    const { stdout } = await room.lab.cluster.attempt('bash', ['-c', find, name]);
    const [limit, usage] = stdout.trim().split('\n').map(Number);
    if (limit !== undefined && usage !== undefined) return { limit, usage };
  }
  throw new Error(`no memory cgroup of pod ${uid}`);
}

const sizeLimitMib = (): number =>
  Number(/^(\d+)Mi$/.exec(injected.spec.volumes.find(({ name }) => name === `weightlock-${NAME}`)?.emptyDir?.sizeLimit ?? '')?.[1]);

describe('a pod that holds a model and a server', () => {
  test('has a cgroup for both with the arithmetic, and serves', async () => {
    const { cluster } = room.lab;
    const pod = (await cluster.until<ObservedPod>(pathOf(room.namespace, 'pods', 'with'), isServing, 100_000)) as ObservedPod;
    const { limit } = await podCgroup(pod.metadata.uid);
    expect(limit).toBe((sizeLimitMib() + SERVER_MIB) * MIB);
    await grown(pod.metadata.uid, (MODEL_MIB + USED_MIB) * MIB);
    const later = (await cluster.get(pathOf(room.namespace, 'pods', 'with'))) as ObservedPod;
    expect(later.status.containerStatuses?.map(({ restartCount, state }) => [restartCount, state.running !== undefined])).toEqual([[0, true]]);
  });

  test('is killed for memory without it, though each of the two fits its own limit', async () => {
    // What one would write by hand: the decryptor gets the volume and its own overhead, the server its limit.
    const [decryptor] = injected.spec.initContainers;
    if (decryptor === undefined) throw new Error('no decryptor was injected');
    decryptor.resources.requests['memory'] = decryptor.resources.limits['memory'] = `${sizeLimitMib() + OVERHEAD_MIB}Mi`;
    // Without the label the webhook does not see it, and so does not mend it.
    const manifest = JSON.parse(JSON.stringify(injected)) as Manifest & { metadata: { labels: Record<string, string> } };
    delete manifest.metadata.labels['weightlock.dev/inject'];
    await room.apply(manifest);
    const { cluster } = room.lab;
    const started = (await cluster.until<ObservedPod>(
      pathOf(room.namespace, 'pods', 'without'),
      (pod) => (pod?.status.containerStatuses ?? []).some(({ state }) => state.running !== undefined || state.terminated !== undefined),
      100_000,
    )) as ObservedPod;
    expect((await podCgroup(started.metadata.uid)).limit).toBe(Math.max(sizeLimitMib() + OVERHEAD_MIB, SERVER_MIB) * MIB);
    const ended = (await cluster.until<ObservedPod>(
      pathOf(room.namespace, 'pods', 'without'),
      (pod) => pod?.status.phase === 'Failed',
      60_000,
    )) as ObservedPod;
    expect(ended.status.containerStatuses?.map(({ state }) => state.terminated)).toMatchObject([{ reason: 'OOMKilled', exitCode: 137 }]);
  });
});

/** Waits until the pod's cgroup holds at least `bytes`. */
async function grown(uid: string, bytes: number): Promise<void> {
  const limit = performance.now() + 60_000;
  for (;;) {
    const { usage } = await podCgroup(uid);
    if (usage >= bytes) return;
    if (performance.now() > limit) throw new Error(`the pod's cgroup holds ${usage} bytes, awaited are ${bytes}`);
    await delay(LOOK_EVERY_MS);
  }
}
