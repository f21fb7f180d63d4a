// Pods as app teams write them: the label, the annotation, a container that is `restricted` and reads its model.
import { ANNOTATION, INJECT_LABEL } from '../../core/api/names.ts';

export const BOX = 'localhost/box:1';

/** Like nothing else in the pod: neither the image's user nor the decryptor's. */
export const SERVER_UID = 20_001;

export interface PodOptions {
  /** The annotation's value. */
  readonly models: string;
  /** Shell of the server; by default it waits to be asked. */
  readonly script?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Spread into the pod's spec. */
  readonly spec?: object;
  /** Spread into the server's container. */
  readonly container?: object;
}

export const RESTRICTED = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } as const;

/** A container of box that satisfies Pod Security "restricted". */
export function box(name: string, script: string, more: object = {}): object {
  return {
    name,
    image: BOX,
    command: ['sh', '-c', script],
    resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '48Mi' } },
    securityContext: RESTRICTED,
    ...more,
  };
}

const WAIT = 'trap "exit 0" TERM; while :; do sleep 1 & wait; done';

/** `metadata` and `spec`, as a template has them. */
export function podTemplate({ models, script = WAIT, labels = {}, annotations = {}, spec = {}, container = {} }: PodOptions): {
  metadata: { labels: object; annotations: object };
  spec: object;
} {
  return {
    metadata: { labels: { [INJECT_LABEL]: 'true', ...labels }, annotations: { [ANNOTATION.models]: models, ...annotations } },
    spec: {
      terminationGracePeriodSeconds: 1,
      securityContext: { runAsNonRoot: true, runAsUser: SERVER_UID, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [box('server', script, container)],
      ...spec,
    },
  };
}

export function barePod(name: string, options: PodOptions): object {
  const { metadata, spec } = podTemplate(options);
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, ...metadata }, spec: { restartPolicy: 'Never', ...spec } };
}

export function deployment(name: string, options: PodOptions, replicas = 1): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { replicas, selector: { matchLabels: { app: name } }, template: podTemplate({ ...options, labels: { app: name, ...options.labels } }) },
  };
}

/** The part of a Pod that tests look at. */
export interface ObservedPod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels: Record<string, string>;
    readonly annotations: Record<string, string>;
  };
  readonly spec: {
    readonly initContainers?: readonly { readonly name: string; readonly image: string }[];
    readonly containers: readonly {
      readonly name: string;
      readonly volumeMounts?: readonly {
        readonly name: string;
        readonly mountPath: string;
        readonly readOnly?: boolean;
        readonly subPath?: string;
      }[];
    }[];
    readonly volumes?: readonly { readonly name: string; readonly emptyDir?: { readonly medium?: string } }[];
  };
  readonly status: {
    readonly phase: string;
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}
interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly state: State;
  readonly lastState?: State;
}
interface State {
  readonly waiting?: { readonly reason: string; readonly message?: string };
  readonly running?: object;
  readonly terminated?: { readonly exitCode: number; readonly reason: string; readonly message?: string };
}

/** Every container of spec.containers runs and is ready. */
export const isServing = (pod: ObservedPod | undefined): boolean =>
  pod?.status.phase === 'Running' &&
  (pod.status.containerStatuses ?? []).length > 0 &&
  (pod.status.containerStatuses ?? []).every(({ ready }) => ready);

/** Whether any of spec.containers ever ran. */
export const everServed = (pod: ObservedPod): boolean =>
  (pod.status.containerStatuses ?? []).some(
    ({ state, lastState, restartCount }) =>
      state.running !== undefined || state.terminated !== undefined || lastState?.terminated !== undefined || restartCount > 0,
  );
