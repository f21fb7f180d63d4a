// What set-up makes: each recipe fills one folder of the cache, named by everything that decides its content.
import { join } from 'node:path';
import { cacheRoot } from '../build/config.ts';

/** Says in a few words where a step stands; shown now and then, so it may be called for every line of a compiler. */
export type Report = (progress: string) => void;

export interface Recipe {
  /** A short name, shown and part of the folder's name. */
  readonly name: string;
  /** What it is for, in a few words. */
  readonly why: string;
  /** Hex digest of all that decides the content: versions, flags, sources. */
  readonly key: string;
  /** Fills `folder`, which is empty. It will be renamed to `final` once this resolves. */
  readonly make: (folder: string, final: string, report: Report) => Promise<void>;
}

/** Where the result of a recipe lies once it is made. */
export const folderOf = (recipe: Pick<Recipe, 'name' | 'key'>): string => join(cacheRoot(), 'tools', `${recipe.name}-${recipe.key.slice(0, 16)}`);
