// JSON Patch (RFC 6902) as admission answers with it: outside our own objects additions only, parents created once.
import { WeightlockError } from '../errors.ts';

export type PatchOperation =
  { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown } | { readonly op: 'remove'; readonly path: string };

/** In the order in which they apply. Empty where the pod is already as it must be. */
export type JsonPatch = readonly PatchOperation[];

/** One reference token of a JSON Pointer (RFC 6901 §3). */
export const escapeToken = (token: string): string => token.replaceAll('~', '~0').replaceAll('/', '~1');

/** `document` with `patch` applied, as the API server would; the original stays as it is. Throws E_USAGE where an operation has no place. */
export function applyPatch<T>(document: T, patch: JsonPatch): T {
  const result = structuredClone(document);
  for (const operation of patch) applyOne(result, operation);
  return result;
}

function applyOne(document: unknown, operation: PatchOperation): void {
  const tokens = operation.path
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = tokens.pop();
  const parent = tokens.reduce<unknown>((node, token) => memberOf(node, token), document);
  if (last === undefined || typeof parent !== 'object' || parent === null) throw nowhere(operation);
  if (Array.isArray(parent)) changeItem(parent, last, operation);
  else changeMember(parent as Record<string, unknown>, last, operation);
}

function changeItem(items: unknown[], token: string, operation: PatchOperation): void {
  const index = token === '-' ? items.length : Number(token);
  const most = operation.op === 'add' ? items.length : items.length - 1;
  if (!Number.isInteger(index) || index < 0 || index > most) throw nowhere(operation);
  if (operation.op === 'remove') items.splice(index, 1);
  else items.splice(index, operation.op === 'add' ? 0 : 1, structuredClone(operation.value));
}

function changeMember(members: Record<string, unknown>, name: string, operation: PatchOperation): void {
  if (operation.op !== 'add' && !Object.hasOwn(members, name)) throw nowhere(operation);
  if (operation.op === 'remove') delete members[name];
  else Object.defineProperty(members, name, { value: structuredClone(operation.value), writable: true, enumerable: true, configurable: true }); // also for "__proto__"
}

const memberOf = (node: unknown, token: string): unknown =>
  typeof node === 'object' && node !== null && Object.hasOwn(node, token) ? (node as Record<string, unknown>)[token] : undefined;

const nowhere = ({ op, path }: PatchOperation): WeightlockError => new WeightlockError('E_USAGE', `${op} ${path}: there is no such place in the document`);
