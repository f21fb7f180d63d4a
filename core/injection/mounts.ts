// How containers mount a model's volume: the folder `model/` in it, read-only, under a path that hides no other and is hidden by none.
import { ANNOTATION, containerNameOf, RESERVED_PREFIX, VOLUME_MODEL_FOLDER } from '../api/names.ts';
import { isCredential } from './credentials.ts';
import type { PatchOperation } from './patch.ts';
import type { Container, VolumeMount } from './pod.ts';
import { demands } from './refusal.ts';
import { asFolder } from './mount-path.ts';
import type { PodRequest, RequestedModel } from './request.ts';

export const mountsOf = (container: Container, model: string): readonly VolumeMount[] =>
  (container.volumeMounts ?? []).filter(({ name }) => name === containerNameOf(model));

const MOUNTS_MAX = 64; // of our volumes in one container: each is compared with all others, and nobody may keep admission busy

/** Refuses what a container may not do with volumes of ours. `models`: the names the pod asks for. */
export function checkMounts(container: Container, models: readonly RequestedModel[], writable: boolean): void {
  const ours = (container.volumeMounts ?? []).filter(({ name }) => name.startsWith(RESERVED_PREFIX));
  demands(
    ours.length <= MOUNTS_MAX,
    'BadMount',
    `container ${container.name} mounts models ${String(ours.length)} times`,
    `Mount them at most ${String(MOUNTS_MAX)} times.`,
  );
  for (const mount of ours) {
    const where = `container ${container.name} mounts ${mount.name}`;
    demands(
      !isCredential(mount.name),
      'ReservedName',
      `${where}, which holds the credentials of our own container`,
      "Mount the Secret by a volume of the pod's own.",
    );
    const model = models.find(({ name }) => containerNameOf(name) === mount.name);
    demands(
      model !== undefined,
      'ReservedName',
      `${where}, which belongs to no model of annotation ${ANNOTATION.models}`,
      `Name the model there; volumes that start with ${RESERVED_PREFIX} are Weightlock's.`,
    );
    const folder = mount.subPath ?? '';
    demands(
      mount.subPathExpr === undefined && (folder === '' || folder === VOLUME_MODEL_FOLDER),
      'BadMount',
      `${where} with subPath "${mount.subPathExpr ?? folder}"`,
      `Leave subPath out, or set it to ${VOLUME_MODEL_FOLDER}.`,
    );
    demands(
      mount.readOnly !== false || writable,
      'BadMount',
      `${where} with readOnly: false`,
      `Mount it read-only and point the engine's caches elsewhere; if it must write, set annotation ${ANNOTATION.writable}: "true".`,
    );
    demands(
      model.mountPath === undefined || model.mountPath === mount.mountPath,
      'BadMount',
      `${where} at ${mount.mountPath}, annotation ${ANNOTATION.models} says ${model.mountPath ?? ''}`,
      'Say the path in one of the two places.',
    );
  }
}

/** Refuses mount paths that hide each other. `mounts`: all of one container as it will be. */
function checkPaths(container: string, mounts: readonly VolumeMount[]): void {
  const folders = mounts.map(({ mountPath }) => asFolder(mountPath));
  for (const [index, mount] of mounts.entries()) {
    if (!mount.name.startsWith(RESERVED_PREFIX)) continue;
    const own = folders[index] ?? '';
    const other = mounts[folders.findIndex((folder, at) => at !== index && (folder.startsWith(own) || own.startsWith(folder)))];
    demands(
      other === undefined,
      'BadMount',
      `container ${container} mounts ${mount.name} at ${mount.mountPath} and ${other?.name ?? ''} at ${other?.mountPath ?? ''}`,
      'Choose paths of which none is equal to or inside another.',
    );
  }
}

/** A container that reads models, at `path` in the document that the patch applies to, and those it is to mount if it doesn't. */
export interface Reader {
  readonly path: string;
  readonly container: Container;
  readonly models: readonly RequestedModel[];
}

/** Completes the mounts of our volumes that the container has, and adds those it is to get. */
export function patchMounts({ path, container, models }: Reader, { writable }: PodRequest): readonly PatchOperation[] {
  const mounts = container.volumeMounts ?? [];
  const operations: PatchOperation[] = [];
  for (const [index, mount] of mounts.entries()) {
    if (!mount.name.startsWith(RESERVED_PREFIX)) continue;
    if (mount.subPath !== VOLUME_MODEL_FOLDER)
      operations.push({ op: 'add', path: `${path}/volumeMounts/${String(index)}/subPath`, value: VOLUME_MODEL_FOLDER });
    if (mount.readOnly !== true && !writable) operations.push({ op: 'add', path: `${path}/volumeMounts/${String(index)}/readOnly`, value: true });
  }
  const added = models
    .filter(({ name }) => mountsOf(container, name).length === 0)
    .map(({ name, mountPath }): VolumeMount => ({
      name: containerNameOf(name),
      mountPath: mountPath ?? `/models/${name}`,
      ...(writable ? {} : { readOnly: true }),
      subPath: VOLUME_MODEL_FOLDER,
    }));
  checkPaths(container.name, [...mounts, ...added]);
  if (added.length > 0 && container.volumeMounts === undefined) operations.push({ op: 'add', path: `${path}/volumeMounts`, value: [] });
  return [...operations, ...added.map((value): PatchOperation => ({ op: 'add', path: `${path}/volumeMounts/-`, value }))];
}
