// Recipes for programs written in Go: built from the module proxy (checksums in go.sum or in Go's own database), static, without paths of this machine.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentKey } from '../build/cache.ts';
import { run } from './child-process.ts';
import type { Recipe, Report } from './recipe.ts';

const COMPILE_LIMIT_MS = 3_600_000;

interface GoProgram {
  readonly name: string;
  readonly why: string;
  /** Packages that are compiled when Go's own build cache holds none: an upper bound, for progress. */
  readonly compiles: number;
  /** For the linker, beyond what all programs share. */
  readonly ldflags?: string;
}

const environment = (extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({ ...process.env, CGO_ENABLED: '0', GOOS: 'linux', GOARCH: 'amd64', GOFLAGS: '', GOWORK: 'off', ...extra });
const flags = (ldflags = ''): string[] => ['-trimpath', '-ldflags', `-s -w ${ldflags}`.trim()];

/** Counts what `go -v` says: modules while it downloads them, packages while it compiles them (not those in Go's own build cache), `programs` last. */
function compiling(report: Report, compiles: number, programs: readonly string[]): (line: string) => void {
  let compiled = 0;
  let downloaded = 0;
  return (line) => {
    if (line.startsWith('go: downloading')) report(`${++downloaded} modules downloaded`);
    else if (programs.includes(line)) report('linking');
    else if (/^[\w.~/-]+$/.test(line)) report(`${++compiled} of at most ${compiles} packages compiled`);
  };
}

/** Programs of a published module, as its own go.mod pins their dependencies. */
export function published({ name, why, compiles, ldflags, packages, version }: GoProgram & { readonly packages: readonly string[]; readonly version: string }): Recipe {
  const targets = packages.map((path) => `${path}@${version}`);
  return {
    name,
    why,
    key: contentKey(...targets, ...flags(ldflags)),
    make: async (folder, _final, report) => {
      await run('go', ['install', '-v', ...flags(ldflags), ...targets], { cwd: folder, env: environment({ GOBIN: folder }), limitMs: COMPILE_LIMIT_MS, onLine: compiling(report, compiles, packages) });
    },
  };
}

/** The program of a module in this repository: `folder` holds go.mod, main.go, and go.sum if it depends on anything. */
export function ours({ name, why, compiles, ldflags, source, sums }: GoProgram & { readonly source: string; readonly sums: boolean }): Recipe {
  const module = /^module (\S+)$/m.exec(readFileSync(join(source, 'go.mod'), 'utf8'))?.[1] ?? '';
  const inputs = ['go.mod', 'main.go', ...(sums ? ['go.sum'] : [])].map((file) => readFileSync(join(source, file)));
  return {
    name,
    why,
    key: contentKey(...inputs, ...flags(ldflags)),
    make: async (folder, _final, report) => {
      await run('go', ['build', '-v', ...flags(ldflags), '-o', join(folder, name), '.'], { cwd: source, env: environment(), limitMs: COMPILE_LIMIT_MS, onLine: compiling(report, compiles, [module]) });
    },
  };
}
