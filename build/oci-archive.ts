// Container images without container tools: folders -> an OCI image archive (image-spec 1.1, image layout in a tar), same input same bytes.
// `ctr -n k8s.io images import ARCHIVE` takes it and knows it by both names, `name` and `repository@digest`;
// `skopeo copy oci-archive:ARCHIVE:NAME docker://…` pushes it to a registry.
import { createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { tarEnd, tarEntry, tarFolder } from './tar.ts';

/** A folder's contents as one compressed layer, made once and shared by images. */
export interface Layer {
  /** tar + gzip */
  readonly blob: Buffer;
  /** `sha256:…` of `blob` */
  readonly digest: string;
  /** `sha256:…` of the tar before compression */
  readonly diffId: string;
}

/** The part of an image's configuration that a container runtime reads (image-spec, config.md). */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  /** Numeric `uid:gid`: Kubernetes can then check runAsNonRoot. */
  readonly User?: string;
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
}

export interface Image {
  /** With a tag: `localhost/weightlock-operator:0.1.0`. */
  readonly name: string;
  /** From the bottom up. */
  readonly layers: readonly Layer[];
  readonly config: ImageConfig;
}

/** What a pod may name: both resolve once the archive is imported. */
export interface ImageReference {
  readonly name: string;
  /** `sha256:…` of the image manifest. */
  readonly digest: string;
  /** `repository@sha256:…` */
  readonly pinned: string;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const OCI = 'application/vnd.oci.image';
const sha256 = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const blobPath = (digest: string): string => `blobs/${digest.replace(':', '/')}`;
const describe = (bytes: Buffer, mediaType: string): Descriptor => ({ mediaType, digest: sha256(bytes), size: bytes.length });

/** All of `folder` as a layer: modes and links kept, owner 0, no times. */
export function layerOf(folder: string): Layer {
  const tar = tarFolder(folder);
  const blob = gzipSync(tar, { level: 6 });
  return { blob, digest: sha256(blob), diffId: sha256(tar) };
}

/** Writes the image to `archive` (complete or not at all) and returns the names it goes by. */
export function writeOciArchive(archive: string, image: Image): ImageReference {
  const config = json({
    architecture: 'amd64',
    os: 'linux',
    config: image.config,
    rootfs: { type: 'layers', diff_ids: image.layers.map((layer) => layer.diffId) },
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: describe(config, `${OCI}.config.v1+json`),
    layers: image.layers.map(({ blob, digest }) => ({ mediaType: `${OCI}.layer.v1.tar+gzip`, digest, size: blob.length })),
  });
  const digest = sha256(manifest);
  const repository = image.name.replace(/:[^:/]+$/, '');
  const pinned = `${repository}@${digest}`;
  // containerd names an imported image after this annotation: one entry a name, both for the same manifest.
  const named = (name: string): unknown => ({
    ...describe(manifest, `${OCI}.manifest.v1+json`),
    platform: { architecture: 'amd64', os: 'linux' },
    annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name },
  });
  const index = json({ schemaVersion: 2, mediaType: `${OCI}.index.v1+json`, manifests: [named(image.name), named(pinned)] });
  const blobs = new Map([...image.layers.map(({ digest, blob }) => [digest, blob] as const), [sha256(config), config], [digest, manifest]]);
  const files: (readonly [string, Buffer])[] = [
    ['oci-layout', json({ imageLayoutVersion: '1.0.0' })],
    ['index.json', index],
    ...[...blobs].map(([digest, blob]) => [blobPath(digest), blob] as const),
  ];
  const bytes = Buffer.concat([...files.flatMap(([path, body]) => tarEntry(path, { kind: 'file', mode: 0o644, body })), tarEnd()]);
  writeFileSync(`${archive}.part`, bytes);
  renameSync(`${archive}.part`, archive);
  return { name: image.name, digest, pinned };
}
