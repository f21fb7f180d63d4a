import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { REPOSITORY } from '../../build/config.ts';
import { INJECT_LABEL, WEBHOOK_CONFIGURATION } from '../../core/api/names.ts';
import { VERSION } from '../../core/version.ts';
import { toolPaths } from '../../setup/tools.ts';
import { CHART, DIGEST, NAMESPACE, NEEDED, refusal, render, renderText } from './rendering.ts';
import type { Manifest } from './rendering.ts';

const manifests = render();
const the = (kind: string, name?: string): Manifest => {
  const found = manifests.filter((manifest) => manifest.kind === kind && (name === undefined || manifest.metadata.name === name));
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} manifests of kind ${kind}`);
  return found[0];
};

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}
const rules = (kind: 'ClusterRole' | 'Role'): readonly Rule[] => the(kind)['rules'] as readonly Rule[];

describe('the chart', () => {
  test('passes helm lint', () => {
    expect(execFileSync(toolPaths().helm, ['lint', CHART, '--strict', ...NEEDED], { encoding: 'utf8' })).toContain('0 chart(s) failed');
  });

  test('renders the same twice: nothing in it is random, looked up, or run as a hook', () => {
    expect(renderText(...NEEDED)).toBe(renderText(...NEEDED));
    const sources = readdirSync(join(CHART, 'templates')).map((name) => readFileSync(join(CHART, 'templates', name), 'utf8'));
    for (const source of sources)
      expect(source).not.toMatch(/\b(lookup|genCA|genSignedCert|genSelfSignedCert|rand[A-Z]\w*|uuidv4|now)\b|helm\.sh\/hook/);
  });

  test('carries this version', () => {
    const chart = readFileSync(join(CHART, 'Chart.yaml'), 'utf8');
    expect(chart).toContain(`\nversion: ${VERSION}\n`);
    expect(chart).toContain(`\nappVersion: ${VERSION}\n`);
  });

  test('needs to be told which images to run, by digest', () => {
    expect(refusal()).toContain('image.operator.repository is empty');
    expect(refusal('--set', 'image.operator.repository=registry.example/o')).toContain('image.operator.digest is empty');
    expect(refusal(...NEEDED, '--set', 'image.decryptor.digest=latest')).toContain('image.decryptor.digest'.replaceAll('.', '/'));
  });

  test.each([
    ['an unknown value', ['--set', 'replica=3']],
    ['an unknown value further in', ['--set', 'image.operator.tag=1']],
    ['no replica', ['--set', 'replicas=0']],
    ['an endpoint with a path', ['--set', 'allowedEndpoints={https://minio.example/bucket}']],
    ['a log level of its own making', ['--set', 'logLevel=loud']],
  ])('refuses %s', (_, settings) => {
    expect(refusal(...NEEDED, ...settings)).toContain("values don't meet the specifications of the schema");
  });
});

describe('the CRDs in the chart', () => {
  test('are the ones of crds/, byte for byte (else run: node build/chart-crds.ts)', () => {
    const [source, copy] = [join(REPOSITORY, 'crds'), join(CHART, 'files/crds')];
    expect(readdirSync(copy)).toEqual(readdirSync(source).filter((name) => name.endsWith('.yaml')));
    for (const name of readdirSync(copy)) expect(readFileSync(join(copy, name), 'utf8')).toBe(readFileSync(join(source, name), 'utf8'));
  });

  test('are kept at uninstall unless the values say otherwise', () => {
    expect(the('CustomResourceDefinition').metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' });
    const dropped = render('--set', 'crds.keep=false').find(({ kind }) => kind === 'CustomResourceDefinition');
    expect(dropped?.metadata.name).toBe(the('CustomResourceDefinition').metadata.name);
    expect(dropped?.metadata.annotations).toBeUndefined();
  });

  test('differ from crds/ in that annotation alone', () => {
    const { annotations: _, ...metadata } = the('CustomResourceDefinition').metadata;
    const plain = render('--set', 'crds.keep=false').find(({ kind }) => kind === 'CustomResourceDefinition');
    expect({ ...the('CustomResourceDefinition'), metadata }).toEqual(plain);
  });

  test('can be left to someone else', () => {
    expect(render('--set', 'crds.enabled=false').map(({ kind }) => kind)).not.toContain('CustomResourceDefinition');
  });
});

describe('the operator’s rights', () => {
  const all = [...rules('ClusterRole'), ...rules('Role')];

  test('name what they are for: no wildcard anywhere', () => {
    for (const rule of all) expect([...rule.apiGroups, ...rule.resources, ...rule.verbs, ...(rule.resourceNames ?? [])]).not.toContain('*');
  });

  test('read no Secret but the CA, and that only in the operator’s own namespace', () => {
    expect(rules('ClusterRole').flatMap(({ resources }) => resources)).not.toContain('secrets');
    const secrets = rules('Role').filter(({ resources }) => resources.includes('secrets'));
    expect(secrets.map(({ resourceNames }) => resourceNames)).toEqual([[the('Secret').metadata.name]]);
  });

  test('read what the operator reads and no more: each verb here is one of its calls', () => {
    const reads = all.map(({ resources, verbs }) => ({ resources, verbs: verbs.filter((verb) => ['get', 'list', 'watch'].includes(verb)) }));
    expect(reads.filter(({ verbs }) => verbs.length > 0)).toEqual([
      { resources: ['encryptedmodels'], verbs: ['get', 'list', 'watch'] },
      { resources: ['pods'], verbs: ['list', 'watch'] },
      { resources: ['mutatingwebhookconfigurations'], verbs: ['get', 'list', 'watch'] },
      { resources: ['secrets'], verbs: ['get'] },
      { resources: ['leases'], verbs: ['get'] },
    ]);
  });

  test('change nothing of other people’s: no pod, no model’s spec, no webhook configuration but its own', () => {
    const writes = rules('ClusterRole').filter(({ verbs }) => verbs.some((verb) => !['get', 'list', 'watch'].includes(verb)));
    expect(
      writes.map(({ resources, resourceNames, verbs }) => ({
        resources,
        resourceNames,
        verbs: verbs.filter((verb) => !['get', 'list', 'watch'].includes(verb)),
      })),
    ).toEqual([
      { resources: ['encryptedmodels/status'], verbs: ['patch'] },
      { resources: ['events'], verbs: ['create', 'patch'] },
      { resources: ['mutatingwebhookconfigurations'], resourceNames: [WEBHOOK_CONFIGURATION], verbs: ['patch'] },
    ]);
  });
});

const namespaceSelector = (made: readonly Manifest[]): unknown => {
  const configuration = made.filter(({ kind }) => kind === 'MutatingWebhookConfiguration');
  return configuration.flatMap(({ webhooks }) =>
    (webhooks as readonly { namespaceSelector: { matchExpressions: readonly unknown[] } }[]).flatMap(
      (webhook) => webhook.namespaceSelector.matchExpressions,
    ),
  );
};

describe('the webhook configuration', () => {
  const [webhook, ...others] = the('MutatingWebhookConfiguration', WEBHOOK_CONFIGURATION)['webhooks'] as readonly Record<string, unknown>[];

  test('spells out every field that the API server would fill in, so that GitOps sees no drift', () => {
    expect(others).toEqual([]);
    expect(Object.keys(webhook ?? {}).sort()).toEqual([
      'admissionReviewVersions',
      'clientConfig',
      'failurePolicy',
      'matchConditions',
      'matchPolicy',
      'name',
      'namespaceSelector',
      'objectSelector',
      'reinvocationPolicy',
      'rules',
      'sideEffects',
      'timeoutSeconds',
    ]);
  });

  test('leaves the CA bundle to the operator: not even empty', () => {
    expect(Object.keys(webhook?.['clientConfig'] as object)).toEqual(['service']);
  });

  test('fails closed, and only for pods that asked', () => {
    expect(webhook).toMatchObject({ failurePolicy: 'Fail', timeoutSeconds: 5, sideEffects: 'None', reinvocationPolicy: 'IfNeeded' });
    expect(webhook?.['objectSelector']).toEqual({ matchExpressions: [{ key: INJECT_LABEL, operator: 'Exists' }] });
  });

  test('keeps away from kube-system, its own namespace and those it is told to leave', () => {
    const name = 'kubernetes.io/metadata.name';
    expect(namespaceSelector(manifests)).toEqual([{ key: name, operator: 'NotIn', values: ['kube-system', NAMESPACE] }]);
    expect(namespaceSelector(render('--set', 'webhook.excludedNamespaces={infra}'))).toEqual([
      { key: name, operator: 'NotIn', values: ['kube-system', NAMESPACE, 'infra'] },
    ]);
  });
});

describe('the operator’s pods', () => {
  interface PodSpec {
    readonly securityContext: unknown;
    readonly containers: readonly {
      readonly image: string;
      readonly securityContext: unknown;
      readonly env: readonly { readonly name: string; readonly value?: string }[];
    }[];
  }
  const pod = (the('Deployment')['spec'] as { template: { spec: PodSpec } }).template.spec;

  test('meet Pod Security restricted, with a read-only root', () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(pod.containers.map(({ securityContext }) => securityContext)).toEqual([
      { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    ]);
  });

  test('run and inject images by digest', () => {
    expect(pod.containers.map(({ image }) => image)).toEqual([`registry.example/weightlock/operator@${DIGEST}`]);
    expect(pod.containers[0]?.env.find(({ name }) => name === 'WEIGHTLOCK_DECRYPTOR_IMAGE')?.value).toBe(
      `registry.example/weightlock/decryptor@${DIGEST}`,
    );
  });

  test('are found by the Service and the disruption budget', () => {
    const labels = (the('Deployment')['spec'] as { template: { metadata: { labels: Record<string, string> } } }).template.metadata.labels;
    expect(labels).toMatchObject((the('Service')['spec'] as { selector: Record<string, string> }).selector);
    expect(labels).toMatchObject((the('PodDisruptionBudget')['spec'] as { selector: { matchLabels: Record<string, string> } }).selector.matchLabels);
  });
});
