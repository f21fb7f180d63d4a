// Where a build finds its inputs and keeps its results: the only reader of the environment in build/.
import { homedir } from 'node:os';
import { join } from 'node:path';

/** This checkout's root. */
export const REPOSITORY = join(import.meta.dirname, '..');

/**
 * The cache of everything that is slow to make and the same for every checkout: outside the work tree, keyed by content, safe to delete.
 * WEIGHTLOCK_CACHE, else $XDG_CACHE_HOME/weightlock, else ~/.cache/weightlock.
 */
export function cacheRoot(environment: NodeJS.ProcessEnv = process.env): string {
  return environment['WEIGHTLOCK_CACHE'] ?? join(environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'weightlock');
}
