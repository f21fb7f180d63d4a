// Which containers read a model.
import { ANNOTATION, containerNameOf } from '../api/names.ts';
import { mountsOf } from './mounts.ts';
import type { Container, Pod } from './pod.ts';
import { demands } from './refusal.ts';
import type { PodRequest, RequestedModel } from './request.ts';

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';
/** Sidecars that meshes and platforms add: never who a model is for. */
const PROXIES = new Set([
  'istio-proxy',
  'linkerd-proxy',
  'envoy',
  'kuma-sidecar',
  'consul-dataplane',
  'envoy-sidecar',
  'queue-proxy',
  'daprd',
  'vault-agent',
  'cloud-sql-proxy',
  'cloudsql-proxy',
  'gke-gcsfuse-sidecar',
]);
const ACCELERATOR = /^(?:nvidia\.com\/(?:gpu|mig-.+)|amd\.com\/gpu|gpu\.intel\.com\/.+|google\.com\/tpu)$/;

/** Names of the app containers that read `model`, by product's order: who mounts it, the annotation, the only one, the default one, the one with an accelerator. */
export function consumersOf(pod: Pod, request: PodRequest, model: RequestedModel): readonly string[] {
  const { containers } = pod.spec;
  const byHand = containers.filter((container) => mountsOf(container, model.name).length > 0);
  if (byHand.length > 0) return byHand.map(({ name }) => name);
  if (request.containers !== undefined) {
    for (const name of request.containers) {
      demands(
        containers.some((container) => container.name === name),
        'NoConsumer',
        `annotation ${ANNOTATION.containers} names "${name}", the pod has ${containers.map((container) => container.name).join(', ')}`,
        'Name containers of spec.containers; an init container that needs the model mounts it by hand.',
      );
    }
    return request.containers;
  }
  const own = containers.filter(({ name }) => !PROXIES.has(name));
  const only = own.length === 1 ? own[0] : undefined;
  const standard = own.find(({ name }) => name === pod.metadata.annotations?.[DEFAULT_CONTAINER]);
  const accelerated = own.filter(asksForAccelerator);
  const chosen = only ?? standard ?? (accelerated.length === 1 ? accelerated[0] : undefined);
  demands(
    chosen !== undefined,
    'NoConsumer',
    `it is not clear which of ${containers.map(({ name }) => name).join(', ')} reads model ${model.name}`,
    `Set annotation ${ANNOTATION.containers}, or mount volume ${containerNameOf(model.name)} where the model is needed.`,
  );
  return [chosen.name];
}

const asksForAccelerator = ({ resources }: Container): boolean =>
  Object.keys({ ...resources?.requests, ...resources?.limits }).some((resource) => ACCELERATOR.test(resource)) || (resources?.claims ?? []).length > 0;
