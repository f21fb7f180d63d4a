// The command line as its users meet it: the bundle that `make build` makes, started as its launcher does, a process with arguments, stdin, stdout, stderr, an exit status, and a
// home of its own.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import { bundle } from '../../build/bundle.ts';

export interface Ran {
  /** Exit status; null where a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Place extends AsyncDisposable {
  /** Where the commands run; relative paths mean this folder. */
  readonly folder: string;
  path(name: string): string;
  run(...words: readonly string[]): Promise<Ran>;
  /** Runs it with `--output json`, expects status 0, and returns the one document of stdout. */
  json(...words: readonly string[]): Promise<Record<string, unknown>>;
  /** Starts it without waiting. `stdin` is open. */
  start(...words: readonly string[]): ChildProcessWithoutNullStreams;
}

/** A folder of its own. `variables`: of the environment, beside PATH and a HOME without any configuration. */
export async function place(variables: Readonly<Record<string, string>> = {}): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'weightlock-cli-'));
  const { main } = await bundle('cli', join(folder, '.program'));
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, AWS_EC2_METADATA_DISABLED: 'true', ...variables };
  const start = (...words: readonly string[]): ChildProcessWithoutNullStreams => spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...words], { cwd: folder, env });
  const run = async (...words: readonly string[]): Promise<Ran> => {
    const child = start(...words);
    child.stdin.end();
    return ended(child);
  };
  return {
    folder,
    path: (name) => join(folder, name),
    start,
    run,
    json: async (...words) => {
      const ran = await run(...words, '--output', 'json');
      if (ran.status !== 0) throw new Error(`weightlock ${words.join(' ')} ended with ${ran.status}: ${ran.stderr}`);
      return JSON.parse(ran.stdout) as Record<string, unknown>;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

export async function ended(child: ChildProcessWithoutNullStreams): Promise<Ran> {
  const [[status, signal], stdout, stderr] = await Promise.all([once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>, text(child.stdout), text(child.stderr)]);
  return { status, signal, stdout, stderr };
}
