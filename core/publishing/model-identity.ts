// What can be refused before the first byte is read: a name that no manifest may carry, a model too large to describe.
import { needs } from '../errors.ts';
import { MAX_FILES, MAX_MANIFEST_BYTES, MAX_PLAINTEXT_BYTES } from '../envelope/limits.ts';
import { label } from '../envelope/members.ts';
import { shardCount } from '../envelope/plan.ts';
import { fit } from '../strict-json/shape.ts';
import type { ScannedFolder } from './source-file.ts';

/** A digest in a manifest: 64 hex, two quotes, a comma. */
const DIGEST_TEXT_BYTES = 67;

/** Throws E_USAGE (name, version), E_LIMIT_FILES, E_LIMIT_SIZE (a file), E_LIMIT_MANIFEST (all of them). */
export function checkModel(model: { readonly name: string; readonly version: string }, folder: ScannedFolder): void {
  fit(label(), model.name, 'the model name', 'E_USAGE');
  fit(label(), model.version, 'the model version', 'E_USAGE');
  needs(folder.files.length <= MAX_FILES, 'E_LIMIT_FILES', `${folder.root} holds ${folder.files.length} files; a model has at most ${MAX_FILES}`, 'Pack the small ones.');
  for (const file of folder.files) {
    needs(file.size <= MAX_PLAINTEXT_BYTES, 'E_LIMIT_SIZE', `${file.path} has ${file.size} bytes; a file has at most 2^44`, 'Split the file.');
  }
  const digests = folder.files.reduce((sum, file) => sum + shardCount(file.size) * DIGEST_TEXT_BYTES, 0);
  needs(digests < MAX_MANIFEST_BYTES, 'E_LIMIT_MANIFEST', `${folder.bytes} bytes need a manifest of more than ${MAX_MANIFEST_BYTES} bytes`, 'Seal the model in several parts.');
}
