// A JSON Patch applied to a YAML document, so that what it does not touch keeps its comments and its order.
import { isMap, isSeq, type Document } from 'yaml';
import { WeightlockError } from '../core/errors.ts';
import type { JsonPatch, PatchOperation } from '../core/injection/patch.ts';

/** `at`: where in the document the patched value lies. The document must hold no aliases. Throws E_INTERNAL where an operation has no place. */
export function patchDocument(document: Document, at: readonly (string | number)[], patch: JsonPatch): void {
  for (const operation of patch) {
    const tokens = operation.path.split('/').slice(1).map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
    applyOne(document, [...at, ...tokens.slice(0, -1)], tokens.at(-1) ?? '', operation);
  }
}

function applyOne(document: Document, parentPath: readonly (string | number)[], token: string, operation: PatchOperation): void {
  const parent = parentPath.length === 0 ? document.contents : document.getIn(parentPath, true);
  const value = operation.op === 'remove' ? undefined : document.createNode(operation.value);
  if (isSeq(parent)) {
    const index = token === '-' ? parent.items.length : Number(token);
    if (!Number.isInteger(index) || index < 0 || index > parent.items.length) throw nowhere(operation);
    // A flow sequence (`[]`) that receives objects reads better as a block.
    if (operation.op === 'add') parent.flow = false;
    parent.items.splice(index, operation.op === 'add' ? 0 : 1, ...(value === undefined ? [] : [value]));
  } else if (isMap(parent)) {
    if (operation.op === 'remove') parent.delete(token);
    else parent.set(token, value);
  } else throw nowhere(operation);
}

const nowhere = ({ op, path }: PatchOperation): WeightlockError => new WeightlockError('E_INTERNAL', `${op} ${path}: there is no such place in the manifest`);
