// The model.yaml that `seal --emit` writes: whole or not at all, and never over something that isn't one.
import { access, constants, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { WeightlockError } from '../core/errors.ts';
import { readModelFile } from './model-file.ts';

/** Before anything is sealed. Throws E_IO, E_TARGET_BUSY. */
export async function checkEmitPath(path: string): Promise<void> {
  await access(dirname(path), constants.W_OK).catch((error: unknown) => {
    throw new WeightlockError('E_IO', `cannot write ${path}: its folder is missing or not yours`, { next: 'Name a file in a folder you may write to.', cause: error });
  });
  if ((await stat(path).catch(() => null)) === null) return;
  await readModelFile(path).catch((error: unknown) => {
    throw new WeightlockError('E_TARGET_BUSY', `${path} exists and is no EncryptedModel: it is not overwritten`, { next: 'Name another file with --emit.', cause: error });
  });
}

/** Throws E_IO, saying what was published all the same. */
export async function writeEmitted(path: string, yaml: string, digest: string): Promise<void> {
  const making = join(dirname(path), `.${basename(path)}.${process.pid}`);
  try {
    await writeFile(making, yaml, { flag: 'wx' });
    await rename(making, path);
  } catch (error) {
    await rm(making, { force: true });
    throw new WeightlockError('E_IO', `the model is published as sha256:${digest}, but ${path} could not be written: ${error instanceof Error ? error.message : String(error)}`, {
      next: 'Write the digest down, or make room and seal again.', cause: error,
    });
  }
}
