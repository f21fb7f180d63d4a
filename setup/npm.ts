// A folder of npm packages that the project's own package.json doesn't carry: installed from a lock file, without running install scripts.
import { copyFileSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { contentKey } from '../build/cache.ts';
import { run } from './child-process.ts';
import type { Recipe } from './recipe.ts';

const INSTALL_LIMIT_MS = 600_000;

/** `source` holds package.json and package-lock.json; of `prune`'s folders (relative to the result) only the entry named is kept. */
export function npmFolder({ name, why, source, prune }: { readonly name: string; readonly why: string; readonly source: string; readonly prune: Readonly<Record<string, string>> }): Recipe {
  const files = ['package.json', 'package-lock.json'];
  return {
    name,
    why,
    key: contentKey(...files.map((file) => readFileSync(join(source, file))), JSON.stringify(prune)),
    make: async (folder, _final, report) => {
      for (const file of files) copyFileSync(join(source, file), join(folder, file));
      report('downloading');
      await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, limitMs: INSTALL_LIMIT_MS });
      for (const [parent, kept] of Object.entries(prune))
        for (const entry of readdirSync(join(folder, parent))) if (entry !== kept) rmSync(join(folder, parent, entry), { recursive: true });
    },
  };
}
