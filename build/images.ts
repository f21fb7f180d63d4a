// `make images`: the container images of operator and decryptor as dist/images/*.tar, and dist/images/images.json which says their digests.
import { mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BLAKE3_ADDON } from './bundle.ts';
import { REPOSITORY } from './config.ts';
import { nodeRootfs } from './node-rootfs.ts';
import type { ImageReference } from './oci-archive.ts';
import { IMAGE_NAMES, IMAGE_PROGRAMS, programImage } from './program-image.ts';

const folder = join(REPOSITORY, 'dist/images');
mkdirSync(folder, { recursive: true });
const base = nodeRootfs([BLAKE3_ADDON]);
const made: Record<string, ImageReference & { readonly archive: string }> = {};
for (const program of IMAGE_PROGRAMS) {
  const archive = join(folder, `${IMAGE_NAMES[program]}.tar`);
  const image = await programImage(program, join(REPOSITORY, 'dist'), base, archive);
  made[program] = { ...image, archive };
  console.log(`images: ${image.name} ${image.digest.slice(0, 19)}… ${Math.round(statSync(archive).size / 1024 / 1024)} MiB`);
}
writeFileSync(join(folder, 'images.json.part'), `${JSON.stringify(made, null, 2)}\n`);
renameSync(join(folder, 'images.json.part'), join(folder, 'images.json'));
