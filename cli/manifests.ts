// The pods in a file of Kubernetes objects: bare ones, and the templates that controllers make them from.
import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { isAlias, parseAllDocuments, visit, type Document } from 'yaml';
import { needs, WeightlockError } from '../core/errors.ts';
import type { Pod } from '../core/injection/pod.ts';
import { readPod } from '../core/injection/read-pod.ts';
import type { Session } from './command.ts';

/** Where the pod lies in an object of each kind. */
const POD_PATHS: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  PodTemplate: ['template'],
  ReplicationController: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
};

/** A pod, or a template of pods. */
export interface FoundPod {
  /** `Deployment web`, for people. */
  readonly owner: string;
  /** Where it lies in its document. */
  readonly path: readonly (string | number)[];
  readonly namespace: string;
  readonly pod: Pod;
}

export interface Manifest {
  readonly document: Document;
  readonly pods: readonly FoundPod[];
  /** `kind name` of what is neither a pod nor makes one we know. */
  readonly others: readonly string[];
}

interface KubernetesObject {
  readonly kind?: unknown;
  readonly metadata?: { readonly name?: unknown; readonly generateName?: unknown; readonly namespace?: unknown };
  readonly items?: unknown;
}

/** `path`: a file, or `-` for stdin. Throws E_IO, E_CONFIG. */
export async function readManifests(path: string, namespace: string, { stdin }: Session): Promise<readonly Manifest[]> {
  const yaml = path === '-'
    ? await textOf(stdin)
    : await readFile(path, 'utf8').catch((error: unknown) => {
      throw new WeightlockError('E_IO', `cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`, { next: 'Name a file of Kubernetes objects, or - for stdin.', cause: error });
    });
  const what = path === '-' ? 'stdin' : path;
  return parseAllDocuments(yaml, { strict: true, uniqueKeys: true }).flatMap((document) => {
    const broken = document.errors[0];
    if (broken !== undefined) throw new WeightlockError('E_CONFIG', `${what} is not YAML: ${broken.message}`, { next: 'Correct it there.' });
    const plain = withoutAliases(document);
    const value: unknown = plain.toJS();
    if (value === null) return [];
    const found = [...podsIn(value as KubernetesObject, [], namespace, what)];
    return [{ document: plain, pods: found.flatMap((one) => (typeof one === 'string' ? [] : [one])), others: found.filter((one) => typeof one === 'string') }];
  });
}

/** A change at an alias would be one at its anchor too: such a document is spelled out first, and loses its comments. */
function withoutAliases(document: Document.Parsed): Document {
  let aliases = false;
  visit(document, (_, node) => {
    if (!isAlias(node)) return undefined;
    aliases = true;
    return visit.BREAK;
  });
  if (!aliases) return document;
  const spelled = document.toJS({ maxAliasCount: 1000 }) as unknown;
  const [fresh] = parseAllDocuments(JSON.stringify(spelled));
  if (fresh === undefined || !('errors' in fresh)) throw new WeightlockError('E_INTERNAL', 'a document could not be spelled out without its aliases');
  return fresh;
}

/** Each pod, and `kind name` of each object that is none and makes none. */
function* podsIn(value: KubernetesObject, at: readonly (string | number)[], namespace: string, what: string): Generator<FoundPod | string> {
  const { kind, metadata } = typeof value === 'object' && value !== null ? value : {};
  needs(typeof kind === 'string', 'E_CONFIG', `${what} holds something that is no Kubernetes object`, 'Each document needs apiVersion, kind and metadata.');
  if (kind.endsWith('List') && Array.isArray(value.items)) {
    for (const [i, item] of value.items.entries()) yield* podsIn(item as KubernetesObject, [...at, 'items', i], namespace, what);
    return;
  }
  const name = [metadata?.name, metadata?.generateName].find((name) => typeof name === 'string') ?? '(without a name)';
  const owner = `${kind} ${name}`;
  const steps = Object.hasOwn(POD_PATHS, kind) ? POD_PATHS[kind] : undefined;
  if (steps === undefined) {
    yield owner;
    return;
  }
  const inner = steps.reduce<unknown>((node, step) => (typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[step] : undefined), value);
  try {
    yield { owner, path: [...at, ...steps], namespace: typeof metadata?.namespace === 'string' ? metadata.namespace : namespace, pod: readPod(inner) };
  } catch (error) {
    if (error instanceof WeightlockError) throw new WeightlockError('E_CONFIG', `${owner} in ${what}: ${error.message}`, { ...(error.next === undefined ? {} : { next: error.next }), cause: error });
    throw error;
  }
}
