// A Pod from JSON or YAML of anybody: whoever reaches the webhook's port may send anything, and `weightlock inject` reads files.
import { WeightlockError } from '../errors.ts';
import type { Pod } from './pod.ts';

/**
 * Checks the shapes that this folder relies on; all other members pass unseen. A member that is null isn't there, as the API server has it (and as a
 * patch that adds it has it). Throws E_SCHEMA, which names the member.
 */
export function readPod(value: unknown): Pod {
  const pod = object(withoutNulls(value), 'pod');
  const metadata = object(pod['metadata'] ?? {}, 'metadata');
  for (const member of ['labels', 'annotations']) strings(metadata[member], `metadata.${member}`);
  for (const member of ['name', 'generateName', 'namespace']) optional(metadata[member], 'string', `metadata.${member}`);
  const spec = object(pod['spec'], 'spec');
  list(spec['containers'] ?? [], 'spec.containers', container);
  list(spec['initContainers'] ?? [], 'spec.initContainers', container);
  list(spec['volumes'] ?? [], 'spec.volumes', (volume, path) => {
    text(volume['name'], `${path}.name`);
  });
  optional(spec['serviceAccountName'], 'string', 'spec.serviceAccountName');
  strings(spec['nodeSelector'], 'spec.nodeSelector');
  securityContext(spec['securityContext'], 'spec.securityContext');
  resources(spec['resources'], 'spec.resources');
  if (spec['os'] !== undefined) text(object(spec['os'], 'spec.os')['name'], 'spec.os.name');
  return { ...pod, metadata, spec: { ...spec, containers: spec['containers'] ?? [] } } as unknown as Pod;
}

/** The same value where there is none in it: whoever reaches the port may send millions of members, and a copy would hold them twice. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map(withoutNulls);
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  const before = Object.entries(value);
  const after = before.flatMap(([name, member]) => (member === null ? [] : [[name, withoutNulls(member)] as const]));
  const same = after.length === before.length && after.every(([, member], index) => member === before[index]?.[1]);
  return same ? value : Object.fromEntries(after);
}

type Members = Readonly<Record<string, unknown>>;

function container(value: Members, path: string): void {
  text(value['name'], `${path}.name`);
  optional(value['image'], 'string', `${path}.image`);
  optional(value['restartPolicy'], 'string', `${path}.restartPolicy`);
  list(value['env'] ?? [], `${path}.env`, (variable, at) => {
    text(variable['name'], `${at}.name`);
    optional(variable['value'], 'string', `${at}.value`);
  });
  list(value['envFrom'] ?? [], `${path}.envFrom`, () => undefined);
  list(value['volumeMounts'] ?? [], `${path}.volumeMounts`, (mount, at) => {
    text(mount['name'], `${at}.name`);
    text(mount['mountPath'], `${at}.mountPath`);
    optional(mount['readOnly'], 'boolean', `${at}.readOnly`);
    for (const member of ['subPath', 'subPathExpr']) optional(mount[member], 'string', `${at}.${member}`);
  });
  securityContext(value['securityContext'], `${path}.securityContext`);
  resources(value['resources'], `${path}.resources`);
}

function securityContext(value: unknown, path: string): void {
  if (value === undefined) return;
  const members = object(value, path);
  for (const member of ['runAsUser', 'runAsGroup']) optional(members[member], 'number', `${path}.${member}`);
}

function resources(value: unknown, path: string): void {
  if (value === undefined) return;
  const members = object(value, path);
  for (const kind of ['requests', 'limits']) {
    for (const [name, amount] of Object.entries(object(members[kind] ?? {}, `${path}.${kind}`))) {
      if (typeof amount !== 'string' && typeof amount !== 'number') throw wrong(`${path}.${kind}.${name}`, 'a quantity');
    }
  }
  list(members['claims'] ?? [], `${path}.claims`, () => undefined);
}

function object(value: unknown, path: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, 'an object');
  return value as Members;
}

function list(value: unknown, path: string, item: (value: Members, path: string) => void): void {
  if (!Array.isArray(value)) throw wrong(path, 'a list');
  for (const [index, entry] of value.entries()) item(object(entry, `${path}[${String(index)}]`), `${path}[${String(index)}]`);
}

function strings(value: unknown, path: string): void {
  for (const [name, entry] of Object.entries(object(value ?? {}, path))) text(entry, `${path}.${name}`);
}

function text(value: unknown, path: string): void {
  if (typeof value !== 'string') throw wrong(path, 'a string');
}

function optional(value: unknown, type: 'string' | 'number' | 'boolean', path: string): void {
  if (value !== undefined && typeof value !== type) throw wrong(path, `a ${type}`);
}

const wrong = (path: string, kind: string): WeightlockError =>
  new WeightlockError('E_SCHEMA', `${path} is not ${kind}`, { next: 'Check the Pod with kubectl apply --dry-run=server.' });
