// The manifest object as stored, compared with its pin (format.md §8 step 3): from here on its bytes are what the pin vouches for.
import { createHash } from 'node:crypto';
import { needs } from '../errors.ts';
import { objectKey } from '../envelope/storage-keys.ts';
import type { VersionFile } from '../envelope/version-file.ts';
import type { StoreReader } from '../stores/store.ts';
import { onceMoreIfTampered } from './tampered.ts';

/** `version.manifest.bytes` was held to its limit when the version was parsed. Throws E_OBJECT_MISMATCH, E_TRUNCATED, E_TRAILING_DATA, E_STORE_*. */
export async function readManifestObject(digest: string, version: VersionFile, store: StoreReader, signal: AbortSignal): Promise<Buffer> {
  const { object, bytes: length } = version.manifest;
  return onceMoreIfTampered(async () => {
    const { object: stored, head } = await store.openObject(objectKey(object), length, signal);
    // §6: manifest.bytes is the object's length
    needs(stored.size >= length, 'E_TRUNCATED', `the manifest object has ${stored.size} bytes, but version ${digest} says ${length}`);
    needs(stored.size === length && head.length === length, 'E_TRAILING_DATA', `the manifest object has ${stored.size} bytes, but version ${digest} says ${length}`);
    // §8 step 3: manifest object by that digest
    const actual = createHash('sha256').update(head).digest('hex');
    needs(
      actual === digest,
      'E_OBJECT_MISMATCH',
      `the manifest object has SHA-256 ${actual}, but ${digest} is expected`,
      'The manifest was replaced in the store: publish the model again.',
    );
    return head;
  });
}
