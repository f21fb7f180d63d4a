// The image of one program: its bundle on top of the Node root file system. Same sources, same digest.
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from './bundle.ts';
import type { Program } from './bundle.ts';
import { NONROOT } from './node-rootfs.ts';
import type { NodeRootfs } from './node-rootfs.ts';
import { layerOf, writeOciArchive } from './oci-archive.ts';
import type { ImageReference, Layer } from './oci-archive.ts';
import { VERSION } from '../core/version.ts';

/** The programs that run in pods, and what their images are called. */
export const IMAGE_NAMES = { operator: 'weightlock-operator', 'init-decryptor': 'weightlock-decryptor' } as const satisfies Partial<
  Record<Program, string>
>;
export type ImageProgram = keyof typeof IMAGE_NAMES;
export const IMAGE_PROGRAMS = Object.keys(IMAGE_NAMES) as ImageProgram[];

/** `files` as they lie in /app of an image: readable by all, writable by nobody, owned by root. */
function appLayer(files: string): Layer {
  const root = mkdtempSync(join(tmpdir(), 'weightlock-image-'));
  try {
    const app = join(root, 'app');
    mkdirSync(app);
    cpSync(files, app, { recursive: true });
    for (const name of readdirSync(app)) chmodSync(join(app, name), 0o444);
    chmodSync(app, 0o555);
    return layerOf(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Bundles `program` into `work` and writes its image to `archive`. `base` must hold the libraries of BLAKE3_ADDON. */
export async function programImage(program: ImageProgram, work: string, base: NodeRootfs, archive: string): Promise<ImageReference> {
  const { folder } = await bundle(program, join(work, program));
  return writeOciArchive(archive, {
    name: `localhost/${IMAGE_NAMES[program]}:${VERSION}`,
    layers: [base.layer, appLayer(folder)],
    config: {
      Entrypoint: ['/usr/bin/node', '--disable-warning=ExperimentalWarning', '/app/main.mjs'],
      User: NONROOT,
      WorkingDir: '/',
      Env: ['NODE_ENV=production'],
      Labels: {
        'org.opencontainers.image.title': IMAGE_NAMES[program],
        'org.opencontainers.image.version': VERSION,
        'org.opencontainers.image.licenses': 'Apache-2.0',
        'dev.weightlock.contents': base.contents.join(' '), // for a scanner that finds no package database
      },
    },
  });
}
