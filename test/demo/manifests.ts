// What the app team of the demo writes: a Deployment and a Service. The label and the annotation are all that Weightlock asks of it.
import { stringify } from 'yaml';
import { MODEL_PATH, SERVER_PORT, serverContainer } from '../lab/inference.ts';

export const NAMESPACE = 'demo';
export const APP = 'embeddings';

const template = (model: string): { metadata: object; spec: object } => ({
  metadata: {
    labels: { app: APP, 'weightlock.dev/inject': 'true' },
    annotations: { 'weightlock.dev/models': `${model}=${MODEL_PATH}` },
  },
  spec: {
    securityContext: { runAsNonRoot: true, runAsUser: 20_001, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [serverContainer()],
  },
});

export function application(model: string): string {
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: APP, namespace: NAMESPACE },
    spec: { replicas: 1, selector: { matchLabels: { app: APP } }, template: template(model) },
  };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: APP, namespace: NAMESPACE },
    spec: { selector: { app: APP }, ports: [{ port: 80, targetPort: SERVER_PORT }] },
  };
  return [deployment, service].map((object) => stringify(object)).join('---\n');
}

/** One more pod of the same template, for after the theft; it is tried once. */
export function lonePod(model: string, name: string): string {
  const { metadata, spec } = template(model);
  return stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name, namespace: NAMESPACE, labels: { 'weightlock.dev/inject': 'true' } },
    spec: { ...spec, restartPolicy: 'Never' },
  });
}
