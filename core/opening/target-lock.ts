// One process at a time in one volume. The lock is an abstract Unix socket named by device and inode: the kernel drops it with its holder, so it never goes stale.
import { fstatSync } from 'node:fs';
import { createServer } from 'node:net';
import { WeightlockError } from '../errors.ts';
import type { Directory } from './directory.ts';
import { ioError } from './io-error.ts';

/**
 * Takes the lock or throws E_TARGET_BUSY at once. Returns what gives it back. Abstract names are per network namespace: the containers of a pod share
 * one, and no two pods share a memory volume.
 */
export async function lockTarget(root: Directory): Promise<() => Promise<void>> {
  const { dev, ino } = fstatSync(root.descriptor, { bigint: true });
  const server = createServer((connection) => connection.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new WeightlockError('E_TARGET_BUSY', `another process loads a model into ${root.shown}`, {
              next: 'Wait for it to end, or give this one a volume of its own.',
            })
          : ioError('lock', root.shown, error),
      );
    });
    server.listen(`\0weightlock-target-${dev}-${ino}`, resolve);
  });
  server.unref();
  return async () => new Promise((resolve) => {
    server.close(() => resolve());
  });
}
