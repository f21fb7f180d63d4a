// A Python environment of its own: wheels only (no package's code runs while installing), each held against its hash.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentKey } from '../build/cache.ts';
import { run } from './child-process.ts';
import type { Recipe } from './recipe.ts';

const CREATE_LIMIT_MS = 120_000;
const INSTALL_LIMIT_MS = 1_200_000;

/** pip, told to be quiet about itself and never to ask. */
export const PIP = ['-m', 'pip', '--disable-pip-version-check', '--no-input'] as const;

export function virtualEnvironment({ name, why, requirements }: { readonly name: string; readonly why: string; readonly requirements: string }): Recipe {
  return {
    name,
    why,
    key: contentKey(readFileSync(requirements)),
    make: async (folder, final, report) => {
      await run('python3', ['-m', 'venv', folder], { limitMs: CREATE_LIMIT_MS });
      let downloaded = 0;
      const onLine = (line: string): void => {
        if (line.startsWith('Collecting ')) report(`${++downloaded} packages downloaded`);
        else if (line.startsWith('Installing ')) report(`installing ${downloaded} packages`);
      };
      await run(join(folder, 'bin/python'), [...PIP, 'install', '--require-hashes', '--only-binary', ':all:', '-r', requirements], { limitMs: INSTALL_LIMIT_MS, onLine });
      // Console scripts name their interpreter by its full path: where it will be, not where it was installed.
      for (const script of readdirSync(join(folder, 'bin'), { withFileTypes: true })) {
        if (!script.isFile()) continue;
        const path = join(script.parentPath, script.name);
        const text = readFileSync(path);
        if (text.subarray(0, 2).toString() === '#!') writeFileSync(path, text.toString().replaceAll(folder, final));
      }
    },
  };
}
