// The init container that decrypts one model: what it must be, and how one that is already there gets to be it.
import { CONFIG_VARIABLE, containerNameOf, TERMINATION_LOG } from '../api/names.ts';
import { type Credentials, IDENTITY_VARIABLES, OWN_FOLDER } from './credentials.ts';
import { jsonEqual } from './json-equal.ts';
import type { PatchOperation } from './patch.ts';
import type { Container, Pod, Quantities, SecurityContext } from './pod.ts';
import { parseQuantity } from './quantity.ts';
import { demands } from './refusal.ts';
import type { OurResources } from './resources.ts';

/** Where the model's volume lies in our container. */
export const TARGET_FOLDER = `${OWN_FOLDER}/volume`;

/** The image's own USER: for pods that would run us as root. */
const IMAGE_USER = 65532;
/** What the API server or other webhooks may set on our container. */
const TOLERATED = new Set(['imagePullPolicy', 'resizePolicy']);

export interface ContainerInput {
  readonly model: string;
  readonly image: string;
  readonly configuration: string;
  readonly credentials: Credentials;
  readonly resources: OurResources;
  readonly pod: Pod;
  /** The container of our name that the pod already has. */
  readonly existing: Container | undefined;
}

export function buildContainer({ model, image, configuration, credentials, resources, pod, existing }: ContainerInput): Container {
  const name = containerNameOf(model);
  return {
    name,
    image: sameContent(existing?.image, image) ?? image,
    env: [{ name: CONFIG_VARIABLE, value: configuration }],
    resources: { requests: withStorage(existing?.resources?.requests, resources.requests), limits: withStorage(existing?.resources?.limits, resources.limits) },
    volumeMounts: [{ name, mountPath: TARGET_FOLDER }, ...credentials.mounts],
    securityContext: restricted(pod, existing?.securityContext),
    terminationMessagePath: TERMINATION_LOG,
    terminationMessagePolicy: 'File',
  };
}

/** Changes `existing`, at `path`, into `wanted`: owned fields that differ, and fields that are none of a decryptor's. */
export function repairContainer(path: string, existing: Container, wanted: Container): readonly PatchOperation[] {
  const operations: PatchOperation[] = [];
  for (const [member, value] of Object.entries(wanted)) {
    if (!jsonEqual(comparable(member, existing[member]), comparable(member, value))) operations.push({ op: 'add', path: `${path}/${member}`, value });
  }
  for (const member of Object.keys(existing)) {
    if (!(member in wanted) && !TOLERATED.has(member)) operations.push({ op: 'remove', path: `${path}/${member}` });
  }
  return operations;
}

/** Refuses a container of our name on which somebody else put an environment: it could subvert the decryptor (NODE_OPTIONS, SSL_CERT_FILE, …). */
export function checkEnvironment(existing: Container): void {
  const next = 'Remove it, or exclude this container from whatever adds it.';
  demands((existing.envFrom ?? []).length === 0, 'ForeignEnvironment', `container ${existing.name} has envFrom`, next);
  for (const { name } of existing.env ?? []) {
    demands(name === CONFIG_VARIABLE || IDENTITY_VARIABLES.has(name), 'ForeignEnvironment', `container ${existing.name} has the variable ${name}`, next);
  }
}

/** `image` where it names the same digest: mirrors rewrite the registry, and the digest is what counts. */
function sameContent(image: string | undefined, wanted: string): string | undefined {
  const digest = /@sha256:[0-9a-f]{64}$/.exec(wanted)?.[0];
  return digest !== undefined && image?.endsWith(digest) === true ? image : undefined;
}

/** A LimitRange may have set ephemeral storage on ours. */
function withStorage(existing: Quantities | undefined, wanted: Quantities): Quantities {
  const storage = existing?.['ephemeral-storage'];
  return storage === undefined ? wanted : { ...wanted, 'ephemeral-storage': storage };
}

/** Pod Security "restricted". A user, a group and SELinux options stay as OpenShift assigned them; root does not. */
function restricted(pod: Pod, existing: SecurityContext | undefined): SecurityContext {
  const assigned = existing?.runAsUser === 0 ? undefined : existing?.runAsUser;
  const runAsUser = assigned ?? (pod.spec.securityContext?.runAsUser === 0 ? IMAGE_USER : undefined);
  return {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
    ...(runAsUser === undefined ? {} : { runAsUser }),
    ...(existing?.runAsGroup === undefined ? {} : { runAsGroup: existing.runAsGroup }),
    ...(existing?.seLinuxOptions === undefined ? {} : { seLinuxOptions: existing.seLinuxOptions }),
  };
}

/** Quantities by their value: the API server spells them anew. */
function comparable(member: string, value: unknown): unknown {
  if (member !== 'resources' || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([kind, amounts]) => [kind, kind === 'claims' ? amounts : amountsOf(amounts)]));
}

const amountsOf = (amounts: unknown): unknown =>
  typeof amounts === 'object' && amounts !== null
    ? Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, parseQuantity(String(amount))]))
    : amounts;
