// Weightlock as a platform team installs it: images made known to the node, the chart put in with Helm.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../../build/config.ts';
import type { ImageReference } from '../../build/oci-archive.ts';
import type { ImageProgram } from '../../build/program-image.ts';
import type { Cluster } from '../cluster/cluster.ts';

export const CHART = join(REPOSITORY, 'charts/weightlock');
export const SYSTEM_NAMESPACE = 'weightlock-system';
const HELM_LIMIT_MS = 180_000;

type Made = Readonly<Record<ImageProgram, ImageReference & { readonly archive: string }>>;

/** What `make images` made last. */
export function madeImages(): Made {
  try {
    return JSON.parse(readFileSync(join(REPOSITORY, 'dist/images/images.json'), 'utf8')) as Made;
  } catch (cause) {
    throw new Error('there are no images of operator and decryptor: run `make images` first', { cause });
  }
}

export async function loadImages(cluster: Cluster): Promise<void> {
  for (const { archive } of Object.values(madeImages())) await cluster.loadImage(archive);
}

const image = ({ pinned, digest }: ImageReference): object => ({ repository: pinned.split('@')[0], digest });

/** The values of this installation: images by digest, and which origins the test's own servers have. */
export function helmValues(allowedEndpoints: readonly string[]): object {
  const { operator, 'init-decryptor': decryptor } = madeImages();
  return { image: { operator: image(operator), decryptor: image(decryptor) }, allowedEndpoints };
}

export function helm(cluster: Cluster, args: readonly string[], values?: object): Promise<string> {
  const given = values === undefined ? {} : { input: JSON.stringify(values) };
  return cluster.exec('helm', [...args, ...(values === undefined ? [] : ['--values', '-'])], { limitMs: HELM_LIMIT_MS, ...given });
}

/** Installs, or upgrades to what the values say; returns when the operator admits pods. */
export function install(cluster: Cluster, values: object): Promise<string> {
  return helm(
    cluster,
    ['upgrade', '--install', 'weightlock', CHART, '--namespace', SYSTEM_NAMESPACE, '--create-namespace', '--wait', '--timeout', '120s'],
    values,
  );
}
