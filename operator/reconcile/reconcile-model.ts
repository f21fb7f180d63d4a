// One look at one model: what carries it, what is wrong with it, its status, its Events. Safe to repeat at any time; writes only what changed.
import { isDeepStrictEqual } from 'node:util';
import type { EncryptedModel, EncryptedModelStatus } from '../../core/api/encrypted-model.ts';
import { FIELD_MANAGER, KIND } from '../../core/api/names.ts';
import { isNotFound } from '../kube/api-error.ts';
import { applyObject } from '../kube/apply.ts';
import type { ApiClient } from '../kube/client.ts';
import type { Recorder } from '../kube/events.ts';
import { ENCRYPTED_MODELS } from '../kube/resource.ts';
import type { Key, Stored, StoreReader } from '../kube/store.ts';
import { consumersOf } from './consumers.ts';
import { occurrencesOf } from './occurrences.ts';
import type { ObservedPod } from './pod.ts';
import { specProblem } from './spec-problems.ts';
import { statusOf } from './status.ts';

export type StoredModel = EncryptedModel & Stored;

export interface World {
  readonly client: ApiClient;
  readonly models: StoreReader<StoredModel>;
  readonly pods: StoreReader<ObservedPod>;
  readonly recorder: Pick<Recorder, 'record'>;
  readonly allowedEndpoints: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Statuses written that the cache may not have seen yet, by model key. */
  readonly written: Map<Key, Written>;
}
interface Written {
  /** The resource version that the cache had when this was written. */
  readonly over: string;
  readonly status: EncryptedModelStatus;
}

export async function reconcileModel(key: Key, world: World, signal: AbortSignal): Promise<void> {
  const model = world.models.get(key);
  if (model === undefined) {
    world.written.delete(key);
    return;
  }
  const consumers = consumersOf(model.metadata.name, world.pods.indexed(key));
  const problem = specProblem(model.spec, world.allowedEndpoints);
  const before = statusBefore(key, model, world);
  const nowMs = world.now();
  const status = statusOf({ generation: model.metadata.generation ?? 0, problem, consumers, before, now: toSeconds(nowMs) });
  if (!isDeepStrictEqual(normal(before), normal(status))) await writeStatus(key, model, status, world, signal);
  const { namespace = '', name, uid } = model.metadata;
  for (const occurrence of occurrencesOf({ model: { namespace, name, uid }, consumers, nowMs })) world.recorder.record(occurrence);
}

/** What was last written, while the cache still shows what was there before it: else times of transition would be made twice. */
function statusBefore(key: Key, model: StoredModel, { written }: World): EncryptedModelStatus | undefined {
  const last = written.get(key);
  if (last?.over === model.metadata.resourceVersion) return last.status;
  written.delete(key);
  return model.status;
}

async function writeStatus(key: Key, model: StoredModel, status: EncryptedModelStatus, { client, written }: World, signal: AbortSignal): Promise<void> {
  const { namespace = '', name, uid, resourceVersion } = model.metadata;
  try {
    await applyObject(client, { resource: ENCRYPTED_MODELS, kind: KIND, namespace, name, uid, subresource: 'status', fields: { status }, fieldManager: FIELD_MANAGER.status }, signal);
    written.set(key, { over: resourceVersion, status });
  } catch (error) {
    if (!isNotFound(error)) throw error; // deleted meanwhile: the cache will say so
  }
}

/** Server-side apply keeps the order that list-maps had before: order says nothing. */
function normal(status: EncryptedModelStatus | undefined): EncryptedModelStatus {
  const { conditions = [], pods = [], ...rest } = status ?? {};
  return { ...rest, conditions: conditions.toSorted((a, b) => (a.type < b.type ? -1 : 1)), pods: pods.toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
}

/** metav1.Time has no fractions. */
const toSeconds = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');

/** What the cache keeps of a model: all but the bookkeeping of server-side apply. */
export function trimModel({ metadata, spec, status }: StoredModel): StoredModel {
  const { name, namespace, uid, resourceVersion, generation } = metadata;
  return {
    metadata: { name, uid, resourceVersion, ...(namespace === undefined ? {} : { namespace }), ...(generation === undefined ? {} : { generation }) },
    spec,
    ...(status === undefined ? {} : { status }),
  };
}
