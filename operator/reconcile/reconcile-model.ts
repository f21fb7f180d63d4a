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
}

export async function reconcileModel(key: Key, world: World, signal: AbortSignal): Promise<void> {
  const model = world.models.get(key);
  if (model === undefined) return; // deleted: nothing of ours is left to undo
  const consumers = consumersOf(model.metadata.name, world.pods.indexed(key));
  const problem = specProblem(model.spec, world.allowedEndpoints);
  const nowMs = world.now();
  const secret = model.spec.access?.secretRef?.name;
  const status = statusOf({ generation: model.metadata.generation ?? 0, problem, secret, consumers, before: model.status, now: toSeconds(nowMs) });
  if (!saysTheSame(model.status, status)) await writeStatus(model, status, world.client, signal);
  const { namespace = '', name, uid } = model.metadata;
  for (const occurrence of occurrencesOf({ model: { namespace, name, uid }, consumers, nowMs })) world.recorder.record(occurrence);
}

/**
 * Only over the version that was read: where the cache is behind (our own last write, a namesake made anew), this is a 409 and the key comes back,
 * instead of a time of transition made twice.
 */
async function writeStatus(model: StoredModel, status: EncryptedModelStatus, client: ApiClient, signal: AbortSignal): Promise<void> {
  const { namespace = '', name, resourceVersion } = model.metadata;
  try {
    await applyObject(client, { resource: ENCRYPTED_MODELS, kind: KIND, namespace, name, resourceVersion, subresource: 'status', fields: { status }, fieldManager: FIELD_MANAGER.status }, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error; // deleted meanwhile: the cache will say so
  }
}

/** Whether `before` holds all of `status`. Its lists may be in another order (list-maps keep the one they had), and others may have added conditions. */
function saysTheSame(before: EncryptedModelStatus | undefined, status: EncryptedModelStatus): boolean {
  const own = (before?.conditions ?? []).filter(({ type }) => status.conditions?.some((condition) => condition.type === type));
  return isDeepStrictEqual(ordered({ ...before, conditions: own }), ordered(status));
}

function ordered({ conditions = [], pods = [], ...rest }: EncryptedModelStatus): EncryptedModelStatus {
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
