// The project's own files and what they import, read as text.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { REPOSITORY } from '../../build/config.ts';

const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate'], {
  cwd: REPOSITORY,
  encoding: 'utf8',
});

/** Paths of everything that a commit would hold, relative to the root; not what was deleted just now. */
export const files: readonly string[] = listed
  .split('\n')
  .filter((path) => path !== '' && statSync(join(REPOSITORY, path), { throwIfNoEntry: false })?.isFile());

export const read = (path: string): string => readFileSync(join(REPOSITORY, path), 'utf8');

/** Without comments: crude, but a `//` inside a string only hides the rest of one line. */
const code = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[\s;])\/\/.*$/gm, '$1');

export interface Source {
  readonly path: string;
  /** The first folder: `core`, `cli`, … */
  readonly part: string;
  readonly code: string;
  /** Of this project: paths from the root. */
  readonly imports: readonly string[];
  /** Of others: specifiers. */
  readonly packages: readonly string[];
}

const SPECIFIER = /\b(?:from|import)\s*\(?\s*'([^']+)'/g;

/** Every TypeScript file of the product and of what builds it. */
export const sources: readonly Source[] = files
  .filter((path) => path.endsWith('.ts') && !path.startsWith('test/'))
  .map((path) => {
    const text = code(read(path));
    const specifiers = [...text.matchAll(SPECIFIER)].map((found) => found[1] ?? '');
    return {
      path,
      part: path.split('/')[0] ?? '',
      code: text,
      imports: specifiers.filter((specifier) => specifier.startsWith('.')).map((specifier) => normalize(join(dirname(path), specifier))),
      packages: specifiers.filter((specifier) => !specifier.startsWith('.')),
    };
  });
