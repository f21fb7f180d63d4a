// Everything that must keep a model out of a pod: the server's container never starts, and `kubectl describe` of the model and of the pod say what
// happened and what to do about it.
import { randomBytes } from 'node:crypto';
import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EncryptedModel } from '../../core/api/encrypted-model.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { cutShort, flipByte, largest, remove, replaceAll, second, steal, swap } from '../lab/thief.ts';
import type { Stolen } from '../lab/thief.ts';
import { openLab } from './lab.ts';
import { barePod, deployment, everServed } from './pods.ts';
import type { ObservedPod } from './pods.ts';
import { closeRoom, openRoom, pathOf, scratch } from './room.ts';
import type { Room } from './room.ts';

const SHARD_BYTES = 2 * 1024 * 1024 + 17;

interface Case {
  /** Of the model, the pod and the prefix. */
  readonly name: string;
  readonly what: string;
  readonly code: ErrorCode;
  /** What `describe` must name beside the code. */
  readonly says: RegExp;
  /** What to do about it. */
  readonly next: RegExp;
  /** Changes the spec, or what the store holds. */
  readonly sabotage: (room: Room, model: EncryptedModel) => Promise<EncryptedModel> | EncryptedModel;
}

const stolen = (room: Room, prefix: string): Stolen => steal(room.lab.s3, room.bucket, prefix);
const inStore =
  (work: (room: Room, prefix: string) => void) =>
  (room: Room, model: EncryptedModel): EncryptedModel => {
    work(room, model.metadata.name);
    return model;
  };
const withSpec = (model: EncryptedModel, spec: Partial<EncryptedModel['spec']>): EncryptedModel => ({ ...model, spec: { ...model.spec, ...spec } });
const withKey = (model: EncryptedModel, awsKms: { keyArn?: string; endpoint?: string }): EncryptedModel =>
  withSpec(model, {
    keys: model.spec.keys.map((key) => ({ ...key, ...(key.awsKms === undefined ? {} : { awsKms: { ...key.awsKms, ...awsKms } }) })),
  });

const CASES: readonly Case[] = [
  {
    name: 'wrong-key',
    what: 'another KMS key than the one it was sealed under',
    code: 'E_NO_USABLE_WRAP',
    says: /arn:aws:kms:/,
    next: /Add the key that the model was sealed under/,
    sabotage: async (room, model) => withKey(model, { keyArn: await room.lab.kms.createKey() }),
  },
  {
    name: 'kms-denied',
    what: 'an account that the KMS does not let decrypt',
    code: 'E_KMS_DENIED',
    says: /arn:aws:kms:/,
    next: /Allow kms:Decrypt/,
    sabotage: (room, model) => withKey(model, { endpoint: room.lab.kms.denying.origin }),
  },
  {
    name: 'key-disabled',
    what: 'a disabled KMS key',
    code: 'E_KMS_KEY_STATE',
    says: /[Dd]isabled/,
    next: /enable it/,
    sabotage: async (room, model) => {
      const keyArn = await room.lab.kms.createKey();
      using folder = scratch();
      writeShards(folder.path);
      const sealed = await room.seal(model.metadata.name, folder.path, { prefix: 'under-a-key-that-gets-disabled', keyArn });
      await room.lab.kms.disable(keyArn);
      return sealed;
    },
  },
  {
    name: 'bucket-denied',
    what: 'a bucket that the reader may not read',
    code: 'E_STORE_DENIED',
    says: /closed-/,
    next: /Allow s3:GetObject/,
    sabotage: async (room, model) => {
      const bucket = `closed-${room.bucket}`;
      await room.lab.s3.createBucket(bucket, false);
      using folder = scratch();
      writeShards(folder.path);
      return await room.seal(model.metadata.name, folder.path, { bucket }); // awaited here: the folder goes at the end of this block
    },
  },
  {
    name: 'object-missing',
    what: 'a shard that is not there',
    code: 'E_STORE_NOT_FOUND',
    says: /objects\//,
    next: /Check bucket, prefix and digest/,
    sabotage: inStore((room, prefix) => remove(largest(stolen(room, prefix)))),
  },
  {
    name: 'byte-flipped',
    what: 'one bit of ciphertext changed',
    code: 'E_SEGMENT_AUTH',
    says: /shard-\d\.safetensors/,
    next: /[Pp]ublish the object again/,
    sabotage: inStore((room, prefix) => flipByte(largest(stolen(room, prefix)))),
  },
  {
    name: 'truncated',
    what: 'a shard cut short',
    code: 'E_TRUNCATED',
    says: /shard-\d\.safetensors/,
    next: /[Pp]ublish the model again/,
    sabotage: inStore((room, prefix) => cutShort(largest(stolen(room, prefix)), 1000)),
  },
  {
    name: 'swapped',
    what: 'two shards under each other’s name',
    code: 'E_OBJECT_MISMATCH',
    says: /shard-\d\.safetensors/,
    next: /publish the model again/,
    sabotage: inStore((room, prefix) => {
      const theirs = stolen(room, prefix);
      swap(largest(theirs), second(theirs));
    }),
  },
  {
    name: 'no-such-digest',
    what: 'a version that was never sealed',
    code: 'E_STORE_NOT_FOUND',
    says: /versions\/0{64}/,
    next: /Check bucket, prefix and digest/,
    sabotage: (_, model) => withSpec(model, { manifest: { ...model.spec.manifest, digest: `sha256:${'0'.repeat(64)}` } }),
  },
  {
    name: 'replaced',
    what: 'another model’s complete set under its prefix, and under its version’s name',
    code: 'E_LINEAGE_MISMATCH',
    says: /lineage/,
    next: /compare with its publisher/,
    sabotage: async (room, model) => {
      using folder = scratch();
      writeShards(folder.path);
      await room.seal('impostor', folder.path);
      const [original, impostor] = [stolen(room, model.metadata.name), stolen(room, 'impostor')];
      replaceAll(impostor, original);
      const [version = ''] = readdirSync(join(original.folder, 'versions'));
      renameSync(
        join(original.folder, 'versions', version),
        join(original.folder, 'versions', `${model.spec.manifest.digest.slice('sha256:'.length)}.json`),
      );
      return model;
    },
  },
];

/** Shards of one size: then nothing but their contents tells them apart. */
function writeShards(folder: string): void {
  for (const index of [1, 2]) writeFileSync(join(folder, `shard-${index}.safetensors`), randomBytes(SHARD_BYTES));
  writeFileSync(join(folder, 'config.json'), '{}');
}

let room: Room | undefined;
let complete = false;
const theRoom = (): Room => {
  if (room === undefined || !complete) throw new Error('the cases could not be set up');
  return room;
};

beforeAll(async () => {
  room = await openRoom(await openLab(), 'e2e-refusals');
  using folder = scratch();
  writeShards(folder.path);
  for (const { name, sabotage } of CASES) {
    const model = await sabotage(room, await room.seal(name, folder.path));
    await room.apply(model, barePod(name, { models: name }));
  }
  complete = true;
}, 180_000);
afterAll(() => closeRoom(room));

describe.each(CASES)('a pod that asks for $what', ({ name, code, says, next }) => {
  let pod: ObservedPod;
  beforeAll(async () => {
    const { lab, namespace } = theRoom();
    pod = (await lab.cluster.until<ObservedPod>(pathOf(namespace, 'pods', name), (seen) => seen?.status.phase === 'Failed', 90_000)) as ObservedPod;
  }, 100_000);

  test(`fails with ${code} before its server starts`, () => {
    const [decryptor] = pod.status.initContainerStatuses ?? [];
    expect(JSON.parse(decryptor?.state.terminated?.message ?? '{}')).toMatchObject({ schema: 'weightlock.outcome/1.0', code });
    expect(everServed(pod)).toBe(false);
  });

  test('says so in kubectl describe of the pod', async () => {
    const described = await theRoom().describe('pod', name);
    expect(described).toContain(code);
    expect(described).toMatch(says);
    expect(described).toMatch(next);
  });

  test('says so, with the next step, in kubectl describe of the model', async () => {
    const { lab, namespace } = theRoom();
    interface Observed {
      readonly status?: { readonly conditions?: readonly { readonly type: string; readonly reason: string }[] };
    }
    await lab.cluster.until<Observed>(
      pathOf(namespace, 'encryptedmodels', name),
      (model) => model?.status?.conditions?.find(({ type }) => type === 'ConsumersHealthy')?.reason === code,
      30_000,
    );
    const described = await theRoom().describe('encryptedmodel', name);
    expect(described).toContain(code);
    expect(described).toMatch(says);
    expect(described).toMatch(next);
    expect(described).toMatch(new RegExp(`${code}.*pod ${name}`));
  });
});

describe('a Deployment whose pods are refused at admission', () => {
  test('has a ReplicaSet that says which model is missing and what to do', async () => {
    const { lab, namespace } = theRoom();
    await theRoom().apply(deployment('asks-for-nothing-known', { models: 'never-made' }));
    const path = pathOf(namespace, 'replicasets');
    interface Sets {
      readonly items: readonly {
        readonly metadata: { readonly name: string };
        readonly status: { readonly conditions?: readonly { readonly type: string; readonly message: string }[] };
      }[];
    }
    const failed = (sets: Sets | undefined) =>
      sets?.items.find(
        ({ metadata, status }) =>
          metadata.name.startsWith('asks-for-nothing-known') && status.conditions?.some(({ type }) => type === 'ReplicaFailure'),
      );
    const name = failed(await lab.cluster.until<Sets>(path, (sets) => failed(sets) !== undefined, 60_000))?.metadata.name ?? '';
    const described = await theRoom().describe('replicaset', name);
    expect(described).toContain('never-made');
    expect(described).toMatch(/admission webhook "pods\.weightlock\.dev" denied the request/);
    const { items } = (await lab.cluster.get(pathOf(namespace, 'pods'))) as { items: readonly ObservedPod[] };
    expect(items.filter(({ metadata }) => metadata.name.startsWith('asks-for-nothing-known'))).toEqual([]);
  });
});
