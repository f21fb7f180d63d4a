// One maker at a time for each folder of the cache, and only whole results: a maker fills a folder of its own and renames it into place.
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { lock } from './lock.ts';
import { folderOf } from './recipe.ts';
import type { Recipe, Report } from './recipe.ts';

const PARTIAL = '.partial-';

/** Makes what `recipe` says unless it is there; tells which of the two. */
export async function ensure(recipe: Recipe, report: Report): Promise<'cached' | 'made'> {
  const final = folderOf(recipe);
  if (existsSync(final)) return 'cached';
  using _held = await lock(`${final}.lock`, () => report('waiting for another set-up that is making it'));
  if (existsSync(final)) return 'cached';
  const parent = dirname(final);
  // Whoever left these is gone: it would hold the lock.
  for (const name of readdirSync(parent)) if (name.startsWith(basename(final) + PARTIAL)) rmSync(join(parent, name), { recursive: true, force: true });
  const partial = mkdtempSync(final + PARTIAL);
  await recipe.make(partial, final, report);
  renameSync(partial, final);
  return 'made';
}
