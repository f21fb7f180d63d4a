// How far one decryptor of one pod came, from what the kubelet says of its container and what it left in its termination message.
import type { Outcome } from '../../core/api/outcome.ts';
import { readOutcome } from './read-outcome.ts';

export interface RawContainerStatus {
  readonly name: string;
  readonly restartCount?: number;
  readonly state?: RawState;
  readonly lastState?: RawState;
}
interface RawState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: { readonly startedAt?: string };
  readonly terminated?: Terminated;
}
interface Terminated {
  readonly exitCode: number;
  readonly reason?: string;
  readonly message?: string;
  readonly finishedAt?: string | null;
}

export interface Load {
  readonly model: string;
  readonly container: string;
  readonly phase: 'Loading' | 'Ready' | 'Failed';
  /** When it came into that phase, RFC 3339, as the kubelet says. */
  readonly since: string;
  /** Its container has not been started yet. */
  readonly waiting: boolean;
  /** What went wrong the last time: a code of docs/format.md §11, or the kubelet's own reason where the container left no report. */
  readonly failure: Failure | undefined;
  /** The report of the last try that ended; undefined where it left none, or where its image is not ours. */
  readonly outcome: Outcome | undefined;
  /** How often it was tried, this time included. */
  readonly attempts: number;
}
export interface Failure {
  readonly code: string;
  /** What happened and the next step. */
  readonly message: string;
}

interface LoadInput {
  readonly container: string;
  readonly model: string;
  readonly image: string;
  readonly status: RawContainerStatus | undefined;
  readonly createdAt: string;
  readonly images: readonly string[];
}

/** Reasons to wait that are part of every start, and go away by themselves. */
const EVERYDAY_WAITS = new Set(['', 'PodInitializing', 'ContainerCreating']);
const KUBELET_TEXT_LIMIT = 400; // characters of the kubelet's or the runtime's own words that are passed on

export function loadOf({ container, model, image, status, createdAt, images }: LoadInput): Load {
  const attempts = (status?.restartCount ?? 0) + 1;
  const at = { model, container, attempts };
  const { waiting, running, terminated } = status?.state ?? {};
  const isOurs = isOneOf(images, image);
  const read = (ended: Terminated): Outcome | undefined => (isOurs && ended.message !== undefined ? readOutcome(ended.message) : undefined);

  if (terminated !== undefined) {
    const outcome = read(terminated);
    const since = terminated.finishedAt ?? createdAt;
    const failure = terminated.exitCode === 0 ? undefined : failureOf(container, terminated, outcome);
    return { ...at, phase: failure === undefined ? 'Ready' : 'Failed', since, waiting: false, failure, outcome };
  }
  const last = status?.lastState?.terminated;
  const outcome = last === undefined ? undefined : read(last);
  const lastFailure = last === undefined || last.exitCode === 0 ? undefined : failureOf(container, last, outcome);
  if (running !== undefined) return { ...at, phase: 'Loading', since: running.startedAt ?? createdAt, waiting: false, failure: lastFailure, outcome };

  const reason = waiting?.reason ?? '';
  if (reason === 'CrashLoopBackOff' && lastFailure !== undefined) return { ...at, phase: 'Failed', since: last?.finishedAt ?? createdAt, waiting: false, failure: lastFailure, outcome };
  if (EVERYDAY_WAITS.has(reason)) return { ...at, phase: 'Loading', since: createdAt, waiting: true, failure: lastFailure, outcome };
  return { ...at, phase: 'Failed', since: createdAt, waiting: true, failure: { code: reason, message: waitMessage(reason, waiting?.message ?? '', image) }, outcome };
}

/** By digest, never by full name: mirrors rewrite names. */
function isOneOf(images: readonly string[], image: string): boolean {
  const digest = /@sha256:[0-9a-f]{64}$/.exec(image)?.[0];
  return digest !== undefined && images.some((candidate) => candidate.endsWith(digest));
}

function failureOf(container: string, { exitCode, reason = 'Error' }: Terminated, outcome: Outcome | undefined): Failure {
  if (outcome !== undefined && outcome.code !== null) return { code: outcome.code, message: outcome.message };
  if (reason === 'OOMKilled') {
    return {
      code: 'E_MEMORY_LIMIT',
      message: `${container} was killed: it came to its memory limit. Raise spec.memory.overheadBytes of the model, or the pod's annotation weightlock.dev/decryptor-resources.`,
    };
  }
  if (exitCode === 137) return { code: reason, message: `${container} was killed (exit code 137), most often for want of memory on the node or in the pod. See kubectl describe of the pod and of its node.` };
  return { code: reason, message: `${container} ended with exit code ${String(exitCode)} and left no report. See kubectl logs of the pod with -c ${container} --previous.` };
}

function waitMessage(reason: string, text: string, image: string): string {
  const said = text.length > KUBELET_TEXT_LIMIT ? `${text.slice(0, KUBELET_TEXT_LIMIT)}…` : text;
  switch (reason) {
    case 'ErrImagePull':
    case 'ImagePullBackOff':
    case 'InvalidImageName':
    case 'ErrImageNeverPull':
    case 'RegistryUnavailable':
      return `the node cannot get the decryptor's image ${image}: ${said}. Let its registry be reached from the node, or install the chart with an image.decryptor that can be.`;
    case 'CreateContainerConfigError':
      return `the kubelet cannot set the decryptor up: ${said}. Make what it names in the pod's namespace, or correct the model's spec.access.`;
    default:
      return `the decryptor's container cannot start: ${said}. See kubectl describe of the pod.`;
  }
}
