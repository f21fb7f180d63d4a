// Starts a real server on a free loopback port, waits until it accepts connections, and ends it by its id. It ends with this process too, however this one
// ends: setpriv(1) sets the parent-death signal.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';

export interface ServerProcess {
  readonly port: number;
  readonly origin: string;
  readonly pid: number;
  /** Kills it and waits for its end. */
  close(): Promise<void>;
}

export interface ServerCommand {
  /** The program and its arguments, for the port chosen. */
  readonly command: (port: number) => readonly string[];
  readonly env?: (port: number) => Readonly<Record<string, string>>;
}

/** Seconds on a quiet machine; builds beside it make it slow. */
const READY_LIMIT_MS = 60_000;
const LAST_WORDS_CHARS = 2000;

export async function startServer({ command, env }: ServerCommand): Promise<ServerProcess> {
  const port = await freePort();
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command(port)], { env: { PATH: process.env['PATH'] ?? '', ...env?.(port) }, stdio: ['ignore', 'pipe', 'pipe'] });
  let words = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (words = (words + text.toString()).slice(-LAST_WORDS_CHARS)));
  try {
    await eventually(`${command(port)[0] ?? ''} on port ${port}`, () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${words}`);
      return accepts(port);
    }, READY_LIMIT_MS);
  } catch (error) {
    await end(child);
    throw new Error(`a server did not come up: ${words}`, { cause: error });
  }
  return { port, origin: `http://127.0.0.1:${port}`, pid: child.pid ?? 0, close: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const answer = (value: boolean) => () => {
      socket.destroy();
      resolve(value);
    };
    socket.once('connect', answer(true)).once('error', answer(false));
  });
