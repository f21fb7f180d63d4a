// A folder made once per content: `make` fills an empty folder which then takes its final name in one rename. Killed anywhere, nothing
// half-made is ever found; two makers at once are harmless, the first rename wins.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheRoot } from './config.ts';

/** The hex SHA-256 of `inputs`, each with its length before it: what names a cached folder. */
export function contentKey(...inputs: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const input of inputs) hash.update(`${Buffer.byteLength(input)}:`).update(input);
  return hash.digest('hex');
}

/** The folder `<cache>/<kind>/<key>`; when absent, `make(folder)` fills it first. Read only: it is shared. */
export function cached(kind: string, key: string, make: (folder: string) => void): string {
  const final = join(cacheRoot(), kind, key);
  if (existsSync(final)) return final;
  mkdirSync(join(final, '..'), { recursive: true });
  const making = mkdtempSync(`${final}.making-`);
  try {
    make(making);
    try {
      renameSync(making, final);
    } catch (error) {
      if (!existsSync(final)) throw error;
    }
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return final;
}
