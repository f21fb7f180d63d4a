// The parts of a Pod that admission reads. Everything else in it passes through untouched, because the answer is a patch of additions.

export interface Quantities {
  readonly [resource: string]: string | number;
}
export interface Resources {
  readonly requests?: Quantities;
  readonly limits?: Quantities;
  /** Dynamic resource allocation: claims of the pod that this container uses. */
  readonly claims?: readonly { readonly name: string }[];
}
export interface EnvironmentVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: unknown;
}
export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly?: boolean;
  readonly subPath?: string;
  readonly subPathExpr?: string;
}
export interface SecurityContext {
  readonly [member: string]: unknown;
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly seLinuxOptions?: unknown;
}
export interface Container {
  readonly [member: string]: unknown;
  readonly name: string;
  readonly image?: string;
  readonly env?: readonly EnvironmentVariable[];
  readonly envFrom?: readonly unknown[];
  readonly resources?: Resources;
  readonly restartPolicy?: string;
  readonly volumeMounts?: readonly VolumeMount[];
  readonly securityContext?: SecurityContext;
}
export interface Volume {
  readonly [source: string]: unknown;
  readonly name: string;
}
export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly serviceAccountName?: string;
  readonly securityContext?: SecurityContext;
  readonly resources?: Resources;
  readonly os?: { readonly name: string };
  readonly nodeSelector?: Readonly<Record<string, string>>;
}
export interface Pod {
  readonly metadata: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: PodSpec;
}
