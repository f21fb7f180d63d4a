// The volumes of ours in a pod: one Memory emptyDir a model, and those that carry credentials to our containers alone.
import { containerNameOf, RESERVED_PREFIX } from '../api/names.ts';
import { secretVolumeOf, tokenVolumeOf } from './credentials.ts';
import { jsonEqual } from './json-equal.ts';
import type { PatchOperation } from './patch.ts';
import type { Pod, Volume } from './pod.ts';
import { formatBytes, parseQuantity } from './quantity.ts';
import { demands } from './refusal.ts';

export const modelVolume = (model: string, sizeLimit: bigint): Volume => ({
  name: containerNameOf(model),
  emptyDir: { medium: 'Memory', sizeLimit: formatBytes(sizeLimit) },
});

/**
 * Brings the pod's volumes of ours to `wanted`: the placeholder, or whatever else stands under our name, is replaced, missing ones are added,
 * credentials of ours that are no longer wanted go. Foreign volumes stay where they are. Refuses reserved names that no model accounts for.
 */
export function patchVolumes(pod: Pod, models: readonly string[], wanted: readonly Volume[]): readonly PatchOperation[] {
  const volumes = pod.spec.volumes ?? [];
  const leftovers = new Set(models.flatMap((model) => [secretVolumeOf(model), tokenVolumeOf(model)]));
  const additions: PatchOperation[] = pod.spec.volumes === undefined ? [{ op: 'add', path: '/spec/volumes', value: [] }] : [];
  const removals: PatchOperation[] = [];
  for (const volume of wanted) {
    const index = volumes.findIndex(({ name }) => name === volume.name);
    const existing = volumes[index];
    if (existing === undefined) additions.push({ op: 'add', path: '/spec/volumes/-', value: volume });
    else if (!jsonEqual(comparable(existing), comparable(volume))) additions.push({ op: 'replace', path: `/spec/volumes/${String(index)}`, value: volume });
  }
  for (const [index, { name }] of volumes.entries()) {
    if (!name.startsWith(RESERVED_PREFIX) || wanted.some((volume) => volume.name === name)) continue;
    demands(
      leftovers.has(name),
      'ReservedName',
      `volume ${name} belongs to no model that the pod asks for`,
      `Name its model in the annotation, or the volume otherwise: names that start with ${RESERVED_PREFIX} are Weightlock's.`,
    );
    removals.unshift({ op: 'remove', path: `/spec/volumes/${String(index)}` }); // from the last to the first: indices before them stay true
  }
  return [...additions, ...removals];
}

/** sizeLimit by its value: the API server may spell it otherwise. */
function comparable(volume: Volume): unknown {
  const { emptyDir } = volume;
  if (typeof emptyDir !== 'object' || emptyDir === null || !('sizeLimit' in emptyDir)) return volume;
  return { ...volume, emptyDir: { ...emptyDir, sizeLimit: parseQuantity(String(emptyDir.sizeLimit)) } };
}
