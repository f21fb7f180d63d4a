// One maker at a time for each folder of the cache, and only whole results: a maker fills a folder of its own and renames it into place.
// The lock is flock(1)'s and ends with its holder, so a killed set-up never blocks the next one.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { folderOf } from './recipe.ts';
import type { Recipe, Report } from './recipe.ts';

const PARTIAL = '.partial-';

/** Holds `file` locked until `release`, or until this process ends: cat(1) holds it, and ends with our side of its pipe. */
async function lock(file: string, onWait: () => void): Promise<{ release: () => void }> {
  const holder = spawn('flock', [file, 'sh', '-c', 'echo held && exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = setTimeout(onWait, 1000);
  try {
    const [what] = (await Promise.race([once(holder.stdout, 'data'), once(holder, 'close')])) as unknown[];
    if (!Buffer.isBuffer(what)) throw new Error(`cannot lock ${file}: flock ended with ${String(what)}`);
  } finally {
    clearTimeout(waiting);
  }
  return { release: () => holder.stdin.end() };
}

/** Makes what `recipe` says unless it is there; tells which of the two. */
export async function ensure(recipe: Recipe, report: Report): Promise<'cached' | 'made'> {
  const final = folderOf(recipe);
  if (existsSync(final)) return 'cached';
  const parent = dirname(final);
  mkdirSync(parent, { recursive: true });
  const { release } = await lock(`${final}.lock`, () => report('waiting for another set-up that is making it'));
  try {
    if (existsSync(final)) return 'cached';
    // Whoever left these is gone: it would hold the lock.
    for (const name of readdirSync(parent)) if (name.startsWith(basename(final) + PARTIAL)) rmSync(join(parent, name), { recursive: true, force: true });
    const partial = mkdtempSync(final + PARTIAL);
    await recipe.make(partial, final, report);
    renameSync(partial, final);
    return 'made';
  } finally {
    release();
  }
}
