// What `explain` and `inject` share: the pods of a file, the models beside them, and the webhook's own decision on each.
import { needs } from '../core/errors.ts';
import type { EncryptedModel } from '../core/api/encrypted-model.ts';
import { decide, requestedModels, type Decision } from '../core/injection/decide.ts';
import { commandLineOnly } from '../core/publishing/emit.ts';
import { VERSION } from '../core/version.ts';
import type { Option } from './arguments.ts';
import type { Session } from './command.ts';
import { readManifests, type FoundPod, type Manifest } from './manifests.ts';
import { readModelFile, type ModelFile } from './model-file.ts';
import { originOf } from './origin.ts';

export const ADMISSION_OPTIONS = {
  file: { type: 'string', short: 'f', required: true, value: 'FILE', about: 'Kubernetes objects, YAML or JSON; - for stdin' },
  model: { type: 'string', multiple: true, value: 'model.yaml', about: 'an EncryptedModel that the pods may name' },
  image: { type: 'string', required: true, value: 'IMAGE', about: 'the decryptor, by digest: registry/weightlock-decryptor@sha256:…' },
  namespace: { type: 'string', value: 'NAMESPACE', about: 'of objects that name none (default: default)' },
  'allow-endpoint': { type: 'string', multiple: true, value: 'ORIGIN', about: 'as in the installation: credentials may go to this origin' },
} as const satisfies Record<string, Option>;

export interface AdmissionValues {
  readonly file: string;
  readonly model: readonly string[];
  readonly image: string;
  readonly namespace: string | undefined;
  readonly 'allow-endpoint': readonly string[];
}

export interface DecidedPod extends FoundPod {
  readonly decision: Decision;
}
export interface DecidedManifest extends Manifest {
  readonly pods: readonly DecidedPod[];
}

export async function decideAll(session: Session, values: AdmissionValues): Promise<readonly DecidedManifest[]> {
  needs(/@sha256:[0-9a-f]{64}$/.test(values.image), 'E_USAGE', `--image ${JSON.stringify(values.image)} does not end in a digest`, 'Write registry/name@sha256:…: a tag can be moved to other code.');
  const settings = { image: values.image, version: VERSION, allowedEndpoints: values['allow-endpoint'].map((text) => originOf('--allow-endpoint', text)) };
  const files = await Promise.all(values.model.map(readModelFile));
  for (const file of files) needsClusterModel(file);
  const manifests = await readManifests(values.file, values.namespace ?? 'default', session);
  return manifests.map((manifest) => ({
    ...manifest,
    pods: manifest.pods.map((found) => ({ ...found, decision: offline(decide(found.pod, found.namespace, modelsFor(session, found, files), settings)) })),
  }));
}

/** The advice for a cluster, and for here. */
const offline = (decision: Decision): Decision =>
  decision.kind === 'Deny' && decision.reason === 'ModelNotFound' ? { ...decision, next: `Here: give its model.yaml with --model. In the cluster: ${decision.next}` } : decision;

function needsClusterModel(file: ModelFile): void {
  const only = commandLineOnly(file.source, file.keys);
  needs(only.length === 0, 'E_CONFIG', `${file.path} holds ${only.join(' and ')}, which a cluster refuses`, 'Seal to s3:// under aws-kms: to use the model in a cluster.');
}

/** A model file without a namespace stands for the pod's. */
function modelsFor({ say }: Session, found: FoundPod, files: readonly ModelFile[]): ReadonlyMap<string, EncryptedModel> {
  const wanted = requestedModels(found.pod);
  const models = new Map<string, EncryptedModel>();
  for (const file of files) {
    if (!wanted.includes(file.name)) continue;
    if (file.namespace === null || file.namespace === found.namespace) models.set(file.name, file.object);
    else say.line(`${file.path} is in namespace ${file.namespace}, and ${found.owner} in ${found.namespace}: pods see the models of their own namespace only`);
  }
  return models;
}
