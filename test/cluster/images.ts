// The two images that every cluster starts with, made here because no registry is asked: `localhost/pause:1` and `localhost/box:1` (busybox).
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { cached, contentKey } from '../../build/cache.ts';
import { layerOf, writeOciArchive } from '../../build/oci-archive.ts';
import { toolPaths } from '../../setup/tools.ts';

const BUSYBOX = '/bin/busybox';
const LIST_LIMIT_MS = 10_000;

function fillBox(root: string): void {
  mkdirSync(join(root, 'bin'), { recursive: true });
  mkdirSync(join(root, 'tmp'));
  chmodSync(join(root, 'tmp'), 0o1777);
  copyFileSync(BUSYBOX, join(root, 'bin/busybox'));
  for (const applet of execFileSync(BUSYBOX, ['--list'], { encoding: 'utf8', timeout: LIST_LIMIT_MS }).trim().split('\n')) if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
}

/** A folder with the archives pause.tar and box.tar. */
export function clusterImages(): string {
  const { pause } = toolPaths();
  return cached('cluster-images', contentKey(readFileSync(pause), readFileSync(BUSYBOX), readFileSync(import.meta.filename)), (folder) => {
    const root = join(folder, 'root');
    mkdirSync(join(root, 'pause'), { recursive: true });
    copyFileSync(pause, join(root, 'pause/pause'));
    fillBox(join(root, 'box'));
    writeOciArchive(join(folder, 'pause.tar'), { name: 'localhost/pause:1', layers: [layerOf(join(root, 'pause'))], config: { Entrypoint: ['/pause'], User: '65535:65535' } });
    writeOciArchive(join(folder, 'box.tar'), { name: 'localhost/box:1', layers: [layerOf(join(root, 'box'))], config: { Cmd: ['/bin/sh'], Env: ['PATH=/bin'] } });
    rmSync(root, { recursive: true });
  });
}
