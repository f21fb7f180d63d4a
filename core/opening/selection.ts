// Which files of a model a reader wants: globs on the path (format.md §8), and the sums that the reader was told to expect.
import { WeightlockError } from '../errors.ts';
import { compileGlob } from './glob.ts';

/** `*` and `?` stay within a component, `**` crosses `/`. A pattern without `/` is matched against the base name. Exclude wins; no include = all. */
export interface FilePatterns {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

export interface SelectionTotals {
  readonly files: number;
  /** Plaintext bytes. */
  readonly bytes: number;
}

interface Selectable {
  readonly path: string;
  readonly size: number;
}

const matcherOf = (patterns: readonly string[]): ((path: string) => boolean) => {
  const compiled = patterns.map((pattern) => ({ onBaseName: !pattern.includes('/'), matches: compileGlob(pattern) }));
  return (path) => {
    const baseName = path.slice(path.lastIndexOf('/') + 1);
    return compiled.some(({ onBaseName, matches }) => matches(onBaseName ? baseName : path));
  };
};

/** The files of `files` that `patterns` choose, in the manifest's order. */
export function selectFiles<F extends Selectable>(files: readonly F[], patterns: FilePatterns): readonly F[] {
  const included = matcherOf(patterns.include);
  const excluded = matcherOf(patterns.exclude);
  return files.filter(({ path }) => (patterns.include.length === 0 || included(path)) && !excluded(path));
}

export function totalsOf(files: readonly Selectable[]): SelectionTotals {
  return { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0) };
}

/** §8: a selection whose bytes or count differ from what the reader was told is E_TOTALS, stating the right ones; so is one without any file. */
export function checkTotals(selected: readonly Selectable[], expected: SelectionTotals | undefined): void {
  const actual = totalsOf(selected);
  if (actual.files === 0) {
    throw new WeightlockError('E_TOTALS', 'include and exclude leave no file of this model', { next: 'Widen the patterns; `weightlock ls` prints the paths.' });
  }
  if (expected === undefined || (actual.files === expected.files && actual.bytes === expected.bytes)) return;
  throw new WeightlockError(
    'E_TOTALS',
    `the selection has ${actual.files} files of ${actual.bytes} bytes, but ${expected.files} files of ${expected.bytes} bytes were stated`,
    { next: `Set manifest.files to ${actual.files} and manifest.bytes to ${actual.bytes}, or correct include and exclude.` },
  );
}
