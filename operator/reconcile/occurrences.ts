// What is told as Kubernetes Events about a model and its pods: failures with their next step, and each load once.
import { API_GROUP, API_VERSION, KIND } from '../../core/api/names.ts';
import type { ObjectReference, Occurrence } from '../kube/events.ts';
import type { Consumer } from './consumers.ts';

/** Older news is history: a replica that starts anew does not tell of last week's loads. */
const NEWS_MS = 10 * 60_000;

export interface Told {
  readonly model: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly consumers: readonly Consumer[];
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

export function occurrencesOf({ model, consumers, nowMs }: Told): readonly Occurrence[] {
  const about: ObjectReference = { apiVersion: `${API_GROUP}/${API_VERSION}`, kind: KIND, ...model };
  return [...consumers.flatMap((consumer) => ofPod(consumer, about, nowMs)), ...ofModel(consumers, about)];
}

function ofPod({ pod, load }: Consumer, related: ObjectReference, nowMs: number): readonly Occurrence[] {
  const { namespace, name, uid } = pod.metadata;
  const regarding: ObjectReference = { apiVersion: 'v1', kind: 'Pod', namespace, name, uid };
  const isNews = (instant: string): boolean => nowMs - Date.parse(instant) < NEWS_MS;
  const told: Occurrence[] = [];
  if (load.failure !== undefined && load.phase !== 'Ready') {
    told.push({ type: 'Warning', regarding, related, reason: load.failure.code, action: 'LoadModel', note: `model ${load.model}: ${load.failure.message}`, count: failuresOf(load) });
  } else if (load.phase === 'Ready' && load.outcome !== undefined && isNews(load.since)) {
    const { model, bytes, files, milliseconds, key, kmsRequestId } = load.outcome;
    const unwrapped = key === null ? '' : `, key ${key.provider}:${key.id}${kmsRequestId === null ? '' : ` (KMS request ${kmsRequestId})`}`;
    const note = `${model} reports ${String(files)} files, ${String(bytes)} bytes in memory after ${String(Math.round(milliseconds / 1000))} s${unwrapped}`;
    told.push({ type: 'Normal', regarding, related, reason: 'ModelLoaded', action: 'LoadModel', note, count: 1 });
  }
  if (pod.memoryUnlimited && isNews(pod.createdAt)) {
    const note = 'a container of this pod has no memory limit, so the pod has none: the model counts against the node. Set limits on every container to have the memory held.';
    told.push({ type: 'Warning', regarding, reason: 'MemoryUnlimited', action: 'SizeMemory', note, count: 1 });
  }
  return told;
}

/** One for each thing that goes wrong, however many pods it hits. */
function ofModel(consumers: readonly Consumer[], regarding: ObjectReference): readonly Occurrence[] {
  const byNote = new Map<string, Occurrence>();
  for (const { load } of consumers) {
    if (load.failure === undefined || load.phase === 'Ready') continue;
    const note = load.failure.message;
    const before = byNote.get(note)?.count ?? 0;
    byNote.set(note, { type: 'Warning', regarding, reason: load.failure.code, action: 'LoadModel', note, count: before + failuresOf(load) });
  }
  return [...byNote.values()];
}

/** Tries that failed by now: one in progress is not among them. */
const failuresOf = ({ phase, attempts }: Consumer['load']): number => Math.max(1, phase === 'Loading' ? attempts - 1 : attempts);
