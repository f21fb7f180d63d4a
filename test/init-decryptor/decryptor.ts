// Runs the decryptor as the kubelet does: a process of its own, configuration in one variable, a termination log, signals.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DecryptorConfig } from '../../core/api/decryptor-config.ts';
import type { Outcome } from '../../core/api/outcome.ts';

const MAIN = join(import.meta.dirname, '../../init-decryptor/main.ts');

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** From the termination log; null where nothing was left. */
  readonly outcome: Outcome | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): Promise<Ended>;
}

export interface RunOptions {
  /** Put before `node …`: `nsenter`, `sh -c …`. */
  readonly wrapper?: readonly string[];
  readonly args?: readonly string[];
}

/** `place`: a folder for the termination log. */
export function startDecryptor(place: string, config: DecryptorConfig | string, options: RunOptions = {}): Running {
  const log = join(place, `termination-log-${performance.now()}`);
  writeFileSync(log, '', { mode: 0o666 });
  const [program = '', ...args] = [...(options.wrapper ?? []), process.execPath, MAIN, '--outcome', log, ...(options.args ?? [])];
  // What others may have put on the container must not matter.
  const text = typeof config === 'string' ? config : JSON.stringify(config);
  const env = { PATH: process.env['PATH'] ?? '', AWS_ENDPOINT_URL: 'http://127.0.0.1:9', AWS_PROFILE: 'other', WEIGHTLOCK_CONFIG: text };
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => { stdout += bytes.toString(); });
  child.stderr.on('data', (bytes: Buffer) => { stderr += bytes.toString(); });
  const ended = once(child, 'close').then(([status, signal]): Ended => {
    const text = readFileSync(log, 'utf8'); // what the kubelet would take
    const outcome = text === '' ? null : (JSON.parse(text) as Outcome);
    return { status: status as number | null, signal: signal as NodeJS.Signals | null, outcome, stdout, stderr };
  });
  return {
    process: child,
    ended,
    kill: async (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

export const runDecryptor = async (place: string, config: DecryptorConfig | string, options: RunOptions = {}): Promise<Ended> => startDecryptor(place, config, options).ended;
