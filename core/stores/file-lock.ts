// One publisher at a time in a folder, on this machine: an abstract Unix socket named by the folder's device and inode (unix(7)). It dies with its holder,
// however that ends, so it can never go stale as a lock file does. Machines that share the folder over a network don't see each other's locks.
import { stat } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { WeightlockError } from '../errors.ts';

const WAIT_MS = 30_000;

/** Runs `work` while holding the folder's lock. Throws E_STORE_UNAVAILABLE when another holds it for half a minute, and what `work` throws. */
export async function withFolderLock<T>(folder: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const { dev, ino } = await stat(folder, { bigint: true });
  const name = `\0weightlock-store-${dev.toString(16)}-${ino.toString(16)}`;
  const deadline = AbortSignal.timeout(WAIT_MS);
  for (;;) {
    signal.throwIfAborted();
    if (deadline.aborted) throw new WeightlockError('E_STORE_UNAVAILABLE', `another publisher has held ${folder} for ${WAIT_MS / 1000} s`, { next: 'Wait for it to finish, or end it.' });
    const lock = await take(name);
    if (lock === null) await untilReleased(name, AbortSignal.any([signal, deadline]));
    else {
      try {
        return await work();
      } finally {
        lock.release();
      }
    }
  }
}

/** null: another holds it. */
function take(name: string): Promise<{ release(): void } | null> {
  return new Promise((resolve, reject) => {
    const waiting = new Set<{ destroy(): void }>();
    const server: Server = createServer((socket) => {
      waiting.add(socket);
      socket.on('error', () => undefined).on('close', () => waiting.delete(socket));
    });
    const release = (): void => {
      server.close();
      for (const socket of waiting) socket.destroy();
    };
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(null) : reject(error)));
    server.listen({ path: name }, () => resolve({ release }));
  });
}

/** The holder lets whoever waits connect, and closes on release: no polling. */
function untilReleased(name: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ path: name });
    const done = (): void => {
      signal.removeEventListener('abort', done);
      socket.destroy();
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done(); // since the last look at it; no event follows
    socket.on('error', done).on('close', done).resume();
  });
}
