// The chart's objects on an API server of the tests, and the operator as a process of its own with exactly the chart's rights.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiClient } from '../../operator/kube/client.ts';
import { collectionPath, type Resource } from '../../operator/kube/resource.ts';
import { type Manifest, NAMESPACE, render } from '../charts/rendering.ts';
import type { ApiServer } from '../support/apiserver.ts';
import { eventually } from '../support/eventually.ts';

const USER = 'weightlock-operator';
export const IMAGE = `registry.example/weightlock-decryptor@sha256:${'d'.repeat(64)}`;

const KINDS: Readonly<Record<string, Resource & { readonly namespaced: boolean }>> = {
  ClusterRole: { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'clusterroles', namespaced: false },
  ClusterRoleBinding: { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'clusterrolebindings', namespaced: false },
  Role: { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'roles', namespaced: true },
  RoleBinding: { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'rolebindings', namespaced: true },
  Secret: { group: '', version: 'v1', plural: 'secrets', namespaced: true },
  MutatingWebhookConfiguration: { group: 'admissionregistration.k8s.io', version: 'v1', plural: 'mutatingwebhookconfigurations', namespaced: false },
};

/** Makes what the chart makes, less Deployment and Service; reviews go to `webhookPort` of this machine. */
export async function install(admin: ApiClient, webhookPort: number): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  const post = (resource: Resource, namespace: string | undefined, body: unknown): Promise<unknown> => admin.json({ method: 'POST', path: collectionPath(resource, namespace), body, signal });
  await post({ group: '', version: 'v1', plural: 'namespaces' }, undefined, { metadata: { name: NAMESPACE } });
  // The API server resolves a Service of this type to its name, and still expects the certificate of the Service.
  await post({ group: '', version: 'v1', plural: 'services' }, NAMESPACE, { metadata: { name: 'weightlock-operator' }, spec: { type: 'ExternalName', externalName: 'localhost' } });
  for (const manifest of render()) {
    const resource = KINDS[manifest.kind];
    if (resource !== undefined) await post(resource, resource.namespaced ? NAMESPACE : undefined, adapted(manifest, webhookPort));
  }
}

function adapted(manifest: Manifest, webhookPort: number): unknown {
  if (manifest.kind.endsWith('Binding')) return { ...manifest, subjects: [{ kind: 'User', name: USER, apiGroup: 'rbac.authorization.k8s.io' }] };
  if (manifest.kind !== 'MutatingWebhookConfiguration') return manifest;
  const webhooks = manifest['webhooks'] as readonly { clientConfig: { service: object } }[];
  return { ...manifest, webhooks: webhooks.map((entry) => ({ ...entry, clientConfig: { service: { ...entry.clientConfig.service, port: webhookPort } } })) };
}

export interface Replica {
  readonly process: ChildProcess;
  readonly metricsPort: number;
  /** Its log lines, parsed. */
  readonly lines: Record<string, unknown>[];
  /** Status and text of a page. */
  page(path: string): Promise<{ readonly status: number; readonly text: string }>;
  ready(): Promise<void>;
  /** SIGKILL, unless it has ended. */
  kill(): Promise<void>;
}

export async function startOperator(server: ApiServer, podName: string, webhookPort: number, metricsPort: number): Promise<Replica> {
  const folder = await mkdtemp(join(tmpdir(), 'weightlock-operator-'));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, server.config(USER).exportConfig(), { mode: 0o600 });
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, join(import.meta.dirname, '../../operator/main.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      KUBECONFIG: kubeconfig,
      WEIGHTLOCK_NAMESPACE: NAMESPACE,
      WEIGHTLOCK_POD_NAME: podName,
      WEIGHTLOCK_DECRYPTOR_IMAGE: IMAGE,
      WEIGHTLOCK_LOG_LEVEL: 'debug',
      WEIGHTLOCK_WEBHOOK_PORT: String(webhookPort),
      WEIGHTLOCK_METRICS_PORT: String(metricsPort),
    },
  });
  const lines: Record<string, unknown>[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) lines.push(JSON.parse(part) as Record<string, unknown>);
  });
  const page = async (path: string): Promise<{ status: number; text: string }> => {
    const answer = await fetch(`http://127.0.0.1:${String(metricsPort)}${path}`, { signal: AbortSignal.timeout(5000) });
    return { status: answer.status, text: await answer.text() };
  };
  return {
    process: child,
    metricsPort,
    lines,
    page,
    ready: async () => {
      await eventually(`${podName} is ready`, async () => {
        if (child.exitCode !== null) throw new Error(`it ended with ${String(child.exitCode)}: ${JSON.stringify(lines.at(-1))}`);
        const { status, text } = await page('/readyz');
        if (status !== 200) throw new Error(text);
        return true;
      });
    },
    kill: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}
