// A memory volume of a given size in a mount namespace of its own, as a pod has one. It ends with the process that holds the namespace open, and that with us.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface MemoryVolume extends AsyncDisposable {
  /** Where the decryptor sees it. */
  readonly path: string;
  /** Where we see it. */
  readonly seen: string;
  /** To be put before a command that is to see it. */
  readonly wrapper: readonly string[];
}

/** `path`: an existing folder. */
export async function memoryVolume(path: string, options: string): Promise<MemoryVolume> {
  // `cat` ends when its standard input does, and that is when this process does.
  const script = 'mount -t tmpfs -o "$1" tmpfs "$2" && echo mounted && exec cat';
  const holder = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', options, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [said] = (await Promise.race([once(holder.stdout, 'data'), once(holder, 'close')])) as [unknown];
  if (!Buffer.isBuffer(said)) throw new Error('the volume could not be mounted');
  return {
    path,
    seen: join(`/proc/${holder.pid}/root`, path),
    wrapper: ['nsenter', `--mount=/proc/${holder.pid}/ns/mnt`, '--'],
    [Symbol.asyncDispose]: async () => {
      const closed = once(holder, 'close');
      holder.stdin.end();
      await closed;
    },
  };
}
