// Runs a program of set-up: its lines to whoever wants them, its last words in the error, and its end with ours.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const LAST_WORDS = 20;

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** The longest it may take. */
  readonly limitMs: number;
  /** Called with every line of its output, stdout and stderr alike. */
  readonly onLine?: (line: string) => void;
}

/** Runs `command` and returns its stdout. Rejects with what it said last when it fails or takes longer than `limitMs`. */
export async function run(command: string, args: readonly string[], { cwd, env, limitMs, onLine }: RunOptions): Promise<string> {
  // setpriv(1): a set-up that is killed takes its compilers along.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', command, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: limitMs, killSignal: 'SIGKILL' });
  const stdout: string[] = [];
  const lastWords: string[] = [];
  const listen = (line: string): void => {
    lastWords.push(line);
    if (lastWords.length > LAST_WORDS) lastWords.shift();
    onLine?.(line);
  };
  createInterface(child.stdout).on('line', (line) => {
    stdout.push(line);
    listen(line);
  });
  createInterface(child.stderr).on('line', listen);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.once('error', reject);
  child.once('close', (code, signal) => {
    if (code === 0) resolve(stdout.join('\n'));
    else {
      const end = signal === null ? `ended with ${code}` : `was killed (${signal}; its limit is ${limitMs / 1000} s)`;
      reject(new Error(`${[command, ...args].join(' ')} ${end}. It said last:\n${lastWords.map((line) => `    ${line}`).join('\n')}`));
    }
  });
  return promise;
}
