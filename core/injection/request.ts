// What a pod asks for in its label and annotations, read strictly: a typo must not weaken a pod.
import { ANNOTATION, ANNOTATION_PREFIX, INJECT_LABEL } from '../api/names.ts';
import { nearest } from './nearest.ts';
import { bytesOf, millicoresOf } from './quantity.ts';
import { demands } from './refusal.ts';
import type { Pod } from './pod.ts';

export interface RequestedModel {
  readonly name: string;
  /** As the annotation says; undefined: where a container mounts it, or `/models/<name>`. */
  readonly mountPath: string | undefined;
}

export interface PodRequest {
  readonly models: readonly RequestedModel[];
  readonly containers: readonly string[] | undefined;
  readonly writable: boolean;
  readonly order: 'First' | 'Last';
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** At least this much for each decryptor. */
  readonly decryptor: { readonly millicores: bigint | undefined; readonly bytes: bigint | undefined };
}

export type Labelled = { readonly kind: 'asks' } | { readonly kind: 'skip'; readonly reason: 'NotLabelled' | 'SwitchedOff' };

const MODELS_MAX = 8;
const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
const MODEL_NAME = /^[a-z0-9](?:[-a-z0-9]{0,38}[a-z0-9])?$/;
const MOUNT_PATH = /^(?:\/[A-Za-z0-9._-]+)+$/;
const KNOWN = Object.values<string>(ANNOTATION);

/** Whether the pod asks at all. */
export function readLabel(pod: Pod): Labelled {
  const value = pod.metadata.labels?.[INJECT_LABEL];
  if (value === undefined) return { kind: 'skip', reason: 'NotLabelled' };
  if (value === 'false') return { kind: 'skip', reason: 'SwitchedOff' };
  demands(value === 'true', 'BadLabel', `label ${INJECT_LABEL} is "${value}"`, 'Set it to "true" or "false", quoted and in lower case.');
  return { kind: 'asks' };
}

export function readRequest(pod: Pod): PodRequest {
  const annotations = pod.metadata.annotations ?? {};
  for (const name of Object.keys(annotations)) {
    if (!name.startsWith(ANNOTATION_PREFIX) || KNOWN.includes(name)) continue;
    const next = name === INJECT_LABEL ? 'Make it a label: it is none of the annotations.' : `Did you mean ${nearest(name, KNOWN) ?? ''}?`;
    demands(false, 'UnknownAnnotation', `annotation ${name} is unknown`, next);
  }
  const writable = annotations[ANNOTATION.writable];
  demands(
    writable === undefined || writable === 'true' || writable === 'false',
    'BadAnnotation',
    `annotation ${ANNOTATION.writable} is "${writable ?? ''}"`,
    'Set it to "true" or "false".',
  );
  oneOf(annotations, ANNOTATION.memoryMode, ['Init']);
  return {
    models: readModels(annotations[ANNOTATION.models]),
    containers: readContainers(annotations[ANNOTATION.containers]),
    writable: writable === 'true',
    order: oneOf(annotations, ANNOTATION.initOrder, ['First', 'Last']) ?? 'First',
    logLevel: oneOf(annotations, ANNOTATION.logLevel, LOG_LEVELS) ?? 'info',
    decryptor: readDecryptor(annotations[ANNOTATION.decryptorResources]),
  };
}

function readModels(text: string | undefined): readonly RequestedModel[] {
  const example = `Set annotation ${ANNOTATION.models}, for example "llama-ft-7" or "llama-ft-7=/models/base, style-lora-2=/models/lora".`;
  demands(text !== undefined && text.trim() !== '', 'BadAnnotation', `the pod is labelled ${INJECT_LABEL} but names no model`, example);
  const entries = text.split(',');
  demands(entries.length <= MODELS_MAX, 'BadAnnotation', `${ANNOTATION.models} names ${String(entries.length)} models`, `Name at most ${String(MODELS_MAX)}.`);
  const models = entries.map((entry): RequestedModel => {
    const [name = '', ...rest] = entry.trim().split('=');
    const mountPath = rest.length === 0 ? undefined : rest.join('=');
    demands(MODEL_NAME.test(name), 'BadAnnotation', `"${name}" in ${ANNOTATION.models} is no name of an EncryptedModel`, example);
    const sound = mountPath === undefined || (MOUNT_PATH.test(mountPath) && !mountPath.split('/').some((part) => part === '.' || part === '..'));
    demands(
      sound,
      'BadAnnotation',
      `"${mountPath ?? ''}" in ${ANNOTATION.models} is no mount path`,
      'Write an absolute path of A-Z a-z 0-9 . _ - and /, without . or .. components and without a slash at its end.',
    );
    return { name, mountPath };
  });
  const twice = models.find((model, index) => models.findIndex(({ name }) => name === model.name) !== index);
  demands(
    twice === undefined,
    'BadAnnotation',
    `${ANNOTATION.models} names ${twice?.name ?? ''} twice`,
    'Name each model once; mount it by hand where it is needed in a second place.',
  );
  return models;
}

const readContainers = (text: string | undefined): readonly string[] | undefined =>
  text === undefined ? undefined : [...new Set(text.split(',').map((name) => name.trim()))];

function readDecryptor(text: string | undefined): PodRequest['decryptor'] {
  const next = `Write it as cpu=2,memory=512Mi.`;
  const given = new Map<string, string>();
  for (const entry of text === undefined ? [] : text.split(',')) {
    const [resource = '', amount = ''] = entry.trim().split('=');
    demands(
      (resource === 'cpu' || resource === 'memory') && !given.has(resource),
      'BadAnnotation',
      `"${entry.trim()}" in ${ANNOTATION.decryptorResources} is none of cpu, memory`,
      next,
    );
    demands(
      (resource === 'cpu' ? millicoresOf(amount) : bytesOf(amount)) !== undefined,
      'BadAnnotation',
      `"${amount}" in ${ANNOTATION.decryptorResources} is not a Kubernetes quantity`,
      next,
    );
    given.set(resource, amount);
  }
  const cpu = given.get('cpu');
  const memory = given.get('memory');
  return { millicores: cpu === undefined ? undefined : millicoresOf(cpu), bytes: memory === undefined ? undefined : bytesOf(memory) };
}

function oneOf<const T extends string>(annotations: Readonly<Record<string, string>>, name: string, values: readonly T[]): T | undefined {
  const given = annotations[name];
  if (given === undefined) return undefined;
  const value = values.find((known) => known === given);
  demands(value !== undefined, 'BadAnnotation', `annotation ${name} is "${given}"`, `Set it to ${values.join(' or ')}, or leave it out.`);
  return value;
}
