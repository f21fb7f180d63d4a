// Where a model's decryptor takes its AWS credentials from: named here, never a default chain, and never a secret in a patch.
import type { EncryptedModelSpec } from '../api/encrypted-model.ts';
import { RESERVED_PREFIX } from '../api/names.ts';
import type { CredentialSource } from '../aws/credential-source.ts';
import { demands } from './refusal.ts';
import { asFolder } from './mount-path.ts';
import type { Container, Pod, Volume, VolumeMount } from './pod.ts';

export interface Credentials {
  readonly source: CredentialSource;
  readonly mounts: readonly VolumeMount[];
  /** Of ours, to be added to the pod. */
  readonly volumes: readonly Volume[];
  /** What the container that reads the model says about the region; the model's own word comes first. */
  readonly region: string | undefined;
}

/** Variables that identity webhooks put on every container, ours included: tolerated there and without effect, because the source is named. */
export const IDENTITY_VARIABLES: ReadonlySet<string> = new Set([
  'AWS_ROLE_ARN',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_STS_REGIONAL_ENDPOINTS',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
]);

// Two hyphens: no model's name starts with one, so these are nobody's container or model volume. At most 19 + 40 of 63 characters.
export const secretVolumeOf = (model: string): string => `${RESERVED_PREFIX}-secret-${model}`;
export const tokenVolumeOf = (model: string): string => `${RESERVED_PREFIX}-token-${model}`;

export const isCredential = (volume: string): boolean => volume.startsWith(`${RESERVED_PREFIX}-`);

export const OWN_FOLDER = '/weightlock';
const SECRET_FOLDER = `${OWN_FOLDER}/credentials`;
const TOKEN_FOLDER = `${OWN_FOLDER}/identity`;
const REGION = /^[a-z0-9-]{1,32}$/;
const READABLE_BY_ALL = 0o444; // the container's UID is unknown (OpenShift assigns one); no other container mounts the volume
const TOKEN_SECONDS = 3600; // the kubelet renews it at 80 %

/** `consumers`: the containers that read the model; what an identity webhook gave them is copied where the model names nothing itself. */
export function credentialsFor(model: string, access: EncryptedModelSpec['access'], pod: Pod, consumers: readonly Container[]): Credentials {
  const region = consumers
    .map((container) => literal(container, 'AWS_REGION') ?? literal(container, 'AWS_DEFAULT_REGION'))
    .find((value) => value !== undefined && REGION.test(value));
  if (access?.secretRef !== undefined) {
    const name = secretVolumeOf(model);
    return {
      source: { kind: 'files', directory: SECRET_FOLDER },
      mounts: [{ name, mountPath: SECRET_FOLDER, readOnly: true }],
      volumes: [{ name, secret: { secretName: access.secretRef.name, defaultMode: READABLE_BY_ALL } }],
      region,
    };
  }
  if (access?.awsRoleArn !== undefined) {
    const name = tokenVolumeOf(model);
    const serviceAccountToken = { audience: 'sts.amazonaws.com', expirationSeconds: TOKEN_SECONDS, path: 'token' };
    return {
      source: { kind: 'webIdentity', roleArn: access.awsRoleArn, tokenFile: `${TOKEN_FOLDER}/token` },
      mounts: [{ name, mountPath: TOKEN_FOLDER, readOnly: true }],
      volumes: [{ name, projected: { sources: [{ serviceAccountToken }], defaultMode: READABLE_BY_ALL } }],
      region,
    };
  }
  if (access?.instanceRole === true) return { source: { kind: 'instanceRole' }, mounts: [], volumes: [], region };
  for (const container of consumers) {
    const copied = copiedFrom(model, container, pod);
    if (copied !== undefined) return { ...copied, volumes: [], region };
  }
  return { source: { kind: 'anonymous' }, mounts: [], volumes: [], region };
}

/** What EKS's webhooks gave to `container`: a web identity (IRSA) or a container endpoint (Pod Identity). */
function copiedFrom(model: string, container: Container, pod: Pod): Pick<Credentials, 'source' | 'mounts'> | undefined {
  const has = (...names: readonly string[]): boolean => names.every((name) => (container.env ?? []).some((variable) => variable.name === name));
  if (has('AWS_ROLE_ARN', 'AWS_WEB_IDENTITY_TOKEN_FILE')) {
    const roleArn = needed(model, container, 'AWS_ROLE_ARN');
    const { tokenFile, mount } = tokenOf(model, container, pod, 'AWS_WEB_IDENTITY_TOKEN_FILE');
    return { source: { kind: 'webIdentity', roleArn, tokenFile }, mounts: [mount] };
  }
  if (has('AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE')) {
    const uri = needed(model, container, 'AWS_CONTAINER_CREDENTIALS_FULL_URI');
    const { tokenFile, mount } = tokenOf(model, container, pod, 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE');
    return { source: { kind: 'container', uri, tokenFile }, mounts: [mount] };
  }
  return undefined;
}

const literal = (container: Container, name: string): string | undefined => container.env?.findLast((variable) => variable.name === name)?.value;

const SAY_IT = 'Set spec.access of the model: awsRoleArn, secretRef or instanceRole.';

function needed(model: string, container: Container, name: string): string {
  const value = literal(container, name);
  demands(
    value !== undefined && value !== '',
    'Credentials',
    `model ${model} would take its identity from container ${container.name}, where ${name} is no literal value`,
    SAY_IT,
  );
  return value;
}

/**
 * The token that `variable` of `container` names, for our container: the same volume, read-only, in a folder of our own. Where a pod's author
 * mounts it must not matter, or a volume at /app or /usr/bin would take the place of the decryptor's program.
 */
function tokenOf(model: string, container: Container, pod: Pod, variable: string): { readonly tokenFile: string; readonly mount: VolumeMount } {
  const file = needed(model, container, variable);
  const holds = ({ mountPath }: VolumeMount): boolean => file.startsWith(asFolder(mountPath));
  const mount = (container.volumeMounts ?? []).filter(holds).sort((a, b) => asFolder(b.mountPath).length - asFolder(a.mountPath).length)[0];
  const usable =
    mount !== undefined &&
    !file.split('/').includes('..') &&
    !mount.name.startsWith(RESERVED_PREFIX) &&
    (pod.spec.volumes ?? []).some(({ name }) => name === mount.name);
  demands(
    usable,
    'Credentials',
    `model ${model} would take its identity from container ${container.name}, but no volume of the pod is mounted there with ${file}`,
    SAY_IT,
  );
  return {
    tokenFile: `${TOKEN_FOLDER}/${file.slice(asFolder(mount.mountPath).length)}`,
    mount: { name: mount.name, mountPath: TOKEN_FOLDER, readOnly: true, ...(mount.subPath === undefined ? {} : { subPath: mount.subPath }) },
  };
}
