// Writes core/api/encrypted-model.ts anew after a change of the CRD.
import { writeFile } from 'node:fs/promises';
import { TYPES_FILE, typesFromCrd } from './types-from-crd.ts';

await writeFile(TYPES_FILE, await typesFromCrd());
