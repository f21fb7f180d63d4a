// The patch that gives a pod its models: volumes, init containers, mounts, and the marks that say so. Each pass computes all of it anew from the
// pod as it is, so a pass over its own result, or after other webhooks, adds nothing twice and repairs what differs.
import type { EncryptedModel } from '../api/encrypted-model.ts';
import { ANNOTATION, containerNameOf, MODEL_LABEL_PREFIX, RESERVED_PREFIX } from '../api/names.ts';
import { writeConfiguration } from './configuration.ts';
import { buildContainer, checkEnvironment, TARGET_FOLDER } from './container.ts';
import { checkMounts, patchMounts } from './mounts.ts';
import { escapeToken, type JsonPatch, type PatchOperation } from './patch.ts';
import type { Container, Pod } from './pod.ts';
import { type PodModel, resolveModel } from './pod-model.ts';
import { roughBytes } from './quantity.ts';
import { demands } from './refusal.ts';
import type { PodRequest } from './request.ts';
import { sizePod } from './resources.ts';
import { isOurs, orderSteps, patchSteps, shiftOfExisting } from './steps.ts';
import { modelVolume, patchVolumes } from './volumes.ts';

export interface InjectionSettings {
  /** The decryptor's image, by digest: `registry/name@sha256:…`. */
  readonly image: string;
  /** Of Weightlock; stands in the pod's `weightlock.dev/injected`. */
  readonly version: string;
  /** Origins to which credentials may go beside the providers' own (the chart's `allowedEndpoints`). */
  readonly allowedEndpoints: readonly string[];
}

export interface InjectedModel {
  readonly name: string;
  /** Containers that read it. */
  readonly consumers: readonly string[];
  /** sizeLimit of its volume, bytes. */
  readonly volumeBytes: bigint;
}

export interface Injection {
  readonly patch: JsonPatch;
  readonly models: readonly InjectedModel[];
  readonly notes: readonly string[];
}

export function injectModels(
  pod: Pod,
  namespace: string,
  request: PodRequest,
  known: ReadonlyMap<string, EncryptedModel>,
  settings: InjectionSettings,
): Injection {
  checkPod(pod, request);
  const models = request.models.map((asked) => resolveModel(pod, namespace, request, asked, known));
  const sized = sizePod(pod.spec, orderSteps(pod, request, models));
  const build = ({ name, model, credentials, load }: PodModel, existing: Container | undefined): Container => {
    const configuration = writeConfiguration({ namespace, model, request, credentials, allowedEndpoints: settings.allowedEndpoints, target: TARGET_FOLDER });
    return buildContainer({ model: name, image: settings.image, configuration, credentials, resources: sized.resourcesOf(load.name), pod, existing });
  };
  const volumes = models.flatMap(({ name, load, credentials }) => [modelVolume(name, load.volumeBytes), ...credentials.volumes]);
  return {
    patch: [
      ...patchVolumes(
        pod,
        models.map(({ name }) => name),
        volumes,
      ),
      ...patchSteps(pod, request, models, build),
      ...patchReaders(pod, request, models),
      ...patchMarks(pod, models, settings.version),
    ],
    models: models.map(({ name, consumers, load }) => ({ name, consumers, volumeBytes: load.volumeBytes })),
    notes: notesOn(models, sized.withoutMemoryLimit),
  };
}

/** What holds for the whole pod, whatever its models. */
function checkPod({ spec }: Pod, request: PodRequest): void {
  const windows =
    spec.os?.name === 'windows' || spec.nodeSelector?.['kubernetes.io/os'] === 'windows' || spec.securityContext?.['windowsOptions'] !== undefined;
  demands(!windows, 'Windows', 'the pod is for Windows', 'Run it on Linux: a memory-backed volume needs tmpfs.');
  const names = new Set(request.models.map(({ name }) => containerNameOf(name)));
  for (const { name } of spec.containers) {
    demands(
      !name.startsWith(RESERVED_PREFIX),
      'ReservedName',
      `container ${name} has a reserved name`,
      `Choose one that does not start with ${RESERVED_PREFIX}.`,
    );
  }
  for (const container of spec.initContainers ?? []) {
    if (names.has(container.name)) checkEnvironment(container);
    else
      demands(
        !container.name.startsWith(RESERVED_PREFIX),
        'ReservedName',
        `init container ${container.name} belongs to no model that the pod asks for`,
        `Choose a name that does not start with ${RESERVED_PREFIX}.`,
      );
  }
  for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
    if (!names.has(container.name)) checkMounts(container, request.models, request.writable);
  }
}

/** The mounts of everybody else's containers, where they stand once ours are inserted. */
function patchReaders(pod: Pod, request: PodRequest, models: readonly PodModel[]): readonly PatchOperation[] {
  const shift = shiftOfExisting(pod, request, models);
  const serving = pod.spec.containers.flatMap((container, index) => {
    const wanted = models.filter(({ consumers }) => consumers.includes(container.name)).map(({ asked }) => asked);
    return patchMounts({ path: `/spec/containers/${String(index)}`, container, models: wanted }, request);
  });
  const preparing = (pod.spec.initContainers ?? []).flatMap((container, index) =>
    isOurs(container, models) ? [] : patchMounts({ path: `/spec/initContainers/${String(shift + index)}`, container, models: [] }, request),
  );
  return [...serving, ...preparing];
}

/** The labels and the annotation by which people find injected pods. */
function patchMarks(pod: Pod, models: readonly PodModel[], version: string): readonly PatchOperation[] {
  const mark = (kind: 'labels' | 'annotations', name: string, value: string): readonly PatchOperation[] =>
    pod.metadata[kind]?.[name] === value ? [] : [{ op: 'add', path: `/metadata/${kind}/${escapeToken(name)}`, value }];
  return [
    ...models.flatMap((entry) => mark('labels', `${MODEL_LABEL_PREFIX}${entry.name}`, shortDigest(entry))),
    ...mark('annotations', ANNOTATION.injected, version),
  ];
}

const shortDigest = ({ model }: PodModel): string => model.spec.manifest.digest.replace('sha256:', '').slice(0, 12);

function notesOn(models: readonly PodModel[], withoutMemoryLimit: readonly string[]): readonly string[] {
  const bytes = models.reduce((sum, { load }) => sum + load.volumeBytes, 0n);
  // No refusal: in a cluster, EKS's own webhooks may give the credentials after this pass.
  const keyless = models.filter(({ credentials, model }) => credentials.source.kind === 'anonymous' && model.spec.keys.some((key) => 'awsKms' in key));
  return [
    ...(withoutMemoryLimit.length === 0
      ? []
      : [`Without a memory limit on ${withoutMemoryLimit.join(', ')} the pod's memory has no bound: its place on a node is computed with ${roughBytes(bytes)} for models, but nothing holds it to that.`]),
    ...keyless.map(
      ({ name }) =>
        `Neither spec.access of model ${name} nor the pod as it stands here names credentials for AWS KMS. Unless an identity webhook (IRSA, EKS Pod Identity) gives them in the cluster, the decryptor ends with E_CREDENTIALS.`,
    ),
  ];
}
