// A lock on a file that ends with its holder, however that ends: flock(1) holds it for a cat(1) that reads our end of a pipe.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

const PATIENCE_MS = 1000;

/** Locks `file`, which is made if need be and stays. `onWait` is called once if somebody else holds it. */
export async function lock(file: string, onWait: () => void): Promise<Disposable> {
  mkdirSync(dirname(file), { recursive: true });
  const holder = spawn('flock', [file, 'sh', '-c', 'echo held && exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = setTimeout(onWait, PATIENCE_MS);
  try {
    const [said] = (await Promise.race([once(holder.stdout, 'data'), once(holder, 'close')])) as unknown[];
    if (!Buffer.isBuffer(said)) throw new Error(`cannot lock ${file}: flock ended with ${String(said)}`);
  } finally {
    clearTimeout(waiting);
  }
  return { [Symbol.dispose]: () => void holder.stdin.end() };
}
