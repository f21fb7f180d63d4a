// The order of a pod's init containers as they will stand: ours that are there keep their place, missing ones go first or last.
import { ANNOTATION } from '../api/names.ts';
import { repairContainer } from './container.ts';
import { mountsOf } from './mounts.ts';
import type { PatchOperation } from './patch.ts';
import type { Container, Pod } from './pod.ts';
import type { PodModel } from './pod-model.ts';
import { demands } from './refusal.ts';
import type { PodRequest } from './request.ts';
import type { PodStep } from './resources.ts';

export const isOurs = (container: Container, models: readonly PodModel[]): boolean => models.some(({ load }) => load.name === container.name);

/** Refuses a container that reads a model before it is decrypted. */
export function orderSteps(pod: Pod, request: PodRequest, models: readonly PodModel[]): readonly PodStep[] {
  const existing = pod.spec.initContainers ?? [];
  const placed = existing.map((container): PodStep => {
    const model = models.find(({ load }) => load.name === container.name);
    return model === undefined ? { kind: 'theirs', container } : { kind: 'ours', load: model.load };
  });
  const missing = missingModels(pod, models).map(({ load }): PodStep => ({ kind: 'ours', load }));
  const steps = request.order === 'First' ? [...missing, ...placed] : [...placed, ...missing];
  const decrypted = new Set<string>();
  for (const step of steps) {
    if (step.kind === 'ours') {
      decrypted.add(step.load.name);
      continue;
    }
    const early = models.find(({ name, load }) => !decrypted.has(load.name) && mountsOf(step.container, name).length > 0);
    demands(
      early === undefined,
      'BadMount',
      `init container ${step.container.name} mounts model ${early?.name ?? ''} but runs before it is decrypted`,
      `Put it behind ${early?.load.name ?? ''}, or take annotation ${ANNOTATION.initOrder} away.`,
    );
  }
  return steps;
}

/** By how much our insertions move the init containers that are there. */
export const shiftOfExisting = (pod: Pod, request: PodRequest, models: readonly PodModel[]): number =>
  request.order === 'First' ? missingModels(pod, models).length : 0;

/** Repairs ours that are there, then inserts the missing ones. `build` makes the container as it must be. */
export function patchSteps(
  pod: Pod,
  request: PodRequest,
  models: readonly PodModel[],
  build: (model: PodModel, existing: Container | undefined) => Container,
): readonly PatchOperation[] {
  const operations: PatchOperation[] = pod.spec.initContainers === undefined ? [{ op: 'add', path: '/spec/initContainers', value: [] }] : [];
  for (const [index, existing] of (pod.spec.initContainers ?? []).entries()) {
    const model = models.find(({ load }) => load.name === existing.name);
    if (model !== undefined) operations.push(...repairContainer(`/spec/initContainers/${String(index)}`, existing, build(model, existing)));
  }
  for (const [index, model] of missingModels(pod, models).entries()) {
    operations.push({ op: 'add', path: `/spec/initContainers/${request.order === 'First' ? String(index) : '-'}`, value: build(model, undefined) });
  }
  return operations;
}

const missingModels = (pod: Pod, models: readonly PodModel[]): readonly PodModel[] =>
  models.filter(({ load }) => !(pod.spec.initContainers ?? []).some(({ name }) => name === load.name));
