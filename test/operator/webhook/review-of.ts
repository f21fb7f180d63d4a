// An AdmissionReview as the API server sends one for the creation of a pod.
import type { Pod } from '../../../core/injection/pod.ts';

export function reviewOf(object: unknown, request: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const resource = { group: '', version: 'v1', resource: 'pods' };
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      namespace: 'serving',
      operation: 'CREATE',
      userInfo: { username: 'system:serviceaccount:kube-system:replicaset-controller', groups: ['system:authenticated'] },
      object,
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
      ...request,
    },
  };
}

/** A pod as a ReplicaSet asks for it: without a name, and asking for `models`. */
export const podFor = (models: string): Pod => ({
  metadata: { generateName: 'llama-7c9-', labels: { 'weightlock.dev/inject': 'true' }, annotations: { 'weightlock.dev/models': models } },
  spec: {
    containers: [
      { name: 'server', image: 'registry.example/server:1', resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } } },
    ],
  },
});
