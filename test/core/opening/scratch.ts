// A folder of a test's own in memory (/dev/shm is a tmpfs), removed when the test is done.
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export interface Scratch extends Disposable {
  readonly path: string;
}

/** `within`: a tmpfs by default; `/tmp` for a test that needs a disk. */
export function scratch(within = '/dev/shm'): Scratch {
  const path = mkdtempSync(join(within, 'weightlock-test-'));
  return { path, [Symbol.dispose]: () => remove(path) };
}

function remove(path: string): void {
  const open = (folder: string): void => {
    chmodSync(folder, 0o700);
    for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) open(join(folder, entry.name));
  };
  open(path);
  rmSync(path, { recursive: true, force: true });
}
