// Where the version to be sealed stands: from the publisher's own pin or number, else left to latest.json as a hint (format.md §2).
import { needs } from '../core/errors.ts';
import type { Position } from '../core/publishing/position.ts';
import { readModelFile } from './model-file.ts';

/** Throws E_USAGE, and what reading the model file throws. `name`: of the model to be sealed. */
export async function positionOf(values: { readonly previous: string | undefined; readonly sequence: string | undefined }, name: string): Promise<Position> {
  const sequence = values.sequence === undefined ? undefined : Number(values.sequence);
  needs(sequence === undefined || (/^[1-9][0-9]*$/.test(values.sequence ?? '') && Number.isSafeInteger(sequence)), 'E_USAGE', `--sequence ${JSON.stringify(values.sequence)} is not a number from 1 on`, 'For example: --sequence 8');
  if (values.previous === undefined) return sequence === undefined ? { kind: 'latest' } : { kind: 'pinned', sequence, previous: null };
  const file = await readModelFile(values.previous);
  needs(file.model.name === name, 'E_USAGE', `${values.previous} is a version of ${JSON.stringify(file.model.name)}, not of ${JSON.stringify(name)}`, 'Sequences count the versions of one model: name its own model.yaml.');
  if (sequence !== undefined) return { kind: 'pinned', sequence, previous: file.digest };
  needs(file.sequence !== null, 'E_USAGE', `${values.previous} does not say its sequence`, 'Add --sequence N with the number of the new version.');
  return { kind: 'pinned', sequence: file.sequence + 1, previous: file.digest };
}
