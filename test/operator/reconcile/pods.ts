// Pods as kubelets report them, for the tests of what is made of them.
import type { Outcome } from '../../../core/api/outcome.ts';
import type { RawContainerStatus } from '../../../operator/reconcile/load.ts';
import { type ObservedPod, observePod, type RawPod } from '../../../operator/reconcile/pod.ts';

export const IMAGE = `registry.example/weightlock-decryptor@sha256:${'d'.repeat(64)}`;
export const CREATED = '2026-11-23T02:00:00Z';
export const FINISHED = '2026-11-23T02:00:30Z';

export const OUTCOME: Outcome = {
  schema: 'weightlock.outcome/1.0', model: 'acme/llama@7', mode: 'load', code: null, message: 'the model is verified and in place',
  digest: `sha256:${'a'.repeat(64)}`, lineage: 'b'.repeat(64), key: { provider: 'aws-kms', id: 'arn:aws:kms:eu-west-1:111122223333:key/k' },
  kmsRequestId: 'r-1', unwrappedAt: '2026-11-23T02:00:02Z', files: 3, bytes: 91_000_000, milliseconds: 28_400, attempts: 1,
};
export const DENIED: Outcome = { ...OUTCOME, code: 'E_KMS_DENIED', message: 'the key k may not be used. Grant kms:Decrypt.', key: null, kmsRequestId: null, unwrappedAt: null, files: 0, bytes: 0 };

export interface PodShape {
  readonly name?: string;
  readonly status?: Partial<Omit<RawContainerStatus, 'name'>>;
  readonly image?: string;
  readonly controller?: string;
  readonly createdAt?: string;
  readonly phase?: string;
  readonly leaving?: boolean;
  readonly unschedulable?: boolean;
  readonly limits?: Readonly<Record<string, string>>;
  /** Of the pod as a whole. */
  readonly podLimits?: Readonly<Record<string, string>>;
}

/** A pod with one server and the decryptor of the model `llama`. */
export function rawPod({ name = 'llama-0', status, image = IMAGE, controller, createdAt = CREATED, phase = 'Pending', leaving = false, unschedulable = false, limits = { memory: '1Gi' }, podLimits }: PodShape = {}): RawPod {
  return {
    metadata: {
      namespace: 'serving', name, uid: `uid-of-${name}`, resourceVersion: '1', creationTimestamp: createdAt,
      ...(leaving ? { deletionTimestamp: createdAt } : {}),
      ...(controller === undefined ? {} : { ownerReferences: [{ uid: controller, controller: true }] }),
    },
    spec: {
      nodeName: 'node1',
      initContainers: [{ name: 'weightlock-llama', image, resources: { limits: { memory: '2Gi' } } }],
      containers: [{ name: 'server', image: 'server', resources: { limits } }],
      ...(podLimits === undefined ? {} : { resources: { limits: podLimits } }),
    },
    status: {
      phase,
      conditions: unschedulable ? [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] : [],
      ...(status === undefined ? {} : { initContainerStatuses: [{ name: 'weightlock-llama', ...status }] }),
    },
  };
}
export const pod = (shape: PodShape = {}): ObservedPod => observePod(rawPod(shape), [IMAGE]);

export const terminated = (exitCode: number, outcome?: Outcome | string, reason = exitCode === 0 ? 'Completed' : 'Error'): NonNullable<RawContainerStatus['state']> => ({
  terminated: { exitCode, reason, finishedAt: FINISHED, ...(outcome === undefined ? {} : { message: typeof outcome === 'string' ? outcome : JSON.stringify(outcome) }) },
});
export const LOADED: PodShape = { status: { state: terminated(0, OUTCOME) }, phase: 'Running' };
export const FAILED: PodShape = { status: { state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: terminated(30, DENIED), restartCount: 2 } };
export const LOADING: PodShape = { status: { state: { running: { startedAt: '2026-11-23T02:00:10Z' } } } };
