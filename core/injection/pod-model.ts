// One model of a pod with all that admission found out about it.
import type { EncryptedModel } from '../api/encrypted-model.ts';
import { ANNOTATION, containerNameOf } from '../api/names.ts';
import { consumersOf } from './consumers.ts';
import { type Credentials, credentialsFor } from './credentials.ts';
import type { Pod } from './pod.ts';
import { formatMillicores, roughBytes } from './quantity.ts';
import { demands } from './refusal.ts';
import type { PodRequest, RequestedModel } from './request.ts';
import { DECRYPTOR_MILLICORES, type Load } from './resources.ts';
import { volumeBytes } from './sizing.ts';

const OVERHEAD_BYTES = 256n * 1024n * 1024n; // spec.memory.overheadBytes where the model says nothing

export interface PodModel {
  readonly name: string;
  readonly asked: RequestedModel;
  readonly model: EncryptedModel;
  /** App containers that read it. */
  readonly consumers: readonly string[];
  readonly credentials: Credentials;
  readonly load: Load;
}

/** Refuses a model that isn't there or that the pod's account may not have. */
export function resolveModel(pod: Pod, namespace: string, request: PodRequest, asked: RequestedModel, models: ReadonlyMap<string, EncryptedModel>): PodModel {
  const { name } = asked;
  const model = models.get(name);
  demands(
    model !== undefined,
    'ModelNotFound',
    `there is no EncryptedModel ${namespace}/${name}`,
    `Apply it (kubectl get encryptedmodels -n ${namespace} lists what is there), or correct annotation ${ANNOTATION.models}.`,
  );
  const { access, manifest, memory } = model.spec;
  const { serviceAccountName: account = 'default' } = pod.spec;
  demands(
    access?.serviceAccountNames === undefined || access.serviceAccountNames.includes(account),
    'AccountNotAllowed',
    `model ${namespace}/${name} may not be decrypted under service account ${account}`,
    `Run the pod under one of ${access?.serviceAccountNames?.join(', ') ?? ''}, or add the account to spec.access.serviceAccountNames of the model.`,
  );
  const consumers = consumersOf(pod, request, asked);
  const overhead = memory?.overheadBytes === undefined ? OVERHEAD_BYTES : BigInt(memory.overheadBytes);
  const { bytes, millicores } = request.decryptor;
  demands(
    bytes === undefined || bytes >= overhead,
    'BadAnnotation',
    `annotation ${ANNOTATION.decryptorResources} gives ${roughBytes(bytes ?? 0n)} of memory, model ${name} needs ${roughBytes(overhead)} beside its volume`,
    'Give at least that, or leave memory out: the annotation may raise, never lower.',
  );
  demands(
    millicores === undefined || millicores >= DECRYPTOR_MILLICORES,
    'BadAnnotation',
    `annotation ${ANNOTATION.decryptorResources} gives ${formatMillicores(millicores ?? 0n)} of CPU, ${formatMillicores(DECRYPTOR_MILLICORES)} is the least`,
    'Give at least that, or leave cpu out: the annotation may raise, never lower.',
  );
  return {
    name,
    asked,
    model,
    consumers,
    credentials: credentialsFor(
      name,
      access,
      pod,
      pod.spec.containers.filter((container) => consumers.includes(container.name)),
    ),
    load: {
      name: containerNameOf(name),
      volumeBytes: volumeBytes(manifest.bytes, manifest.files),
      overheadBytes: bytes ?? overhead,
      millicores: millicores ?? DECRYPTOR_MILLICORES,
    },
  };
}
