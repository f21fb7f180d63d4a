// The installation itself: Helm puts it in, upgrades it and takes it out; CRDs and models outlive it; plain CRDs do without Helm.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { REPOSITORY } from '../../build/config.ts';
import { CHART, SYSTEM_NAMESPACE, helm, install } from '../lab/installation.ts';
import { openLab } from './lab.ts';
import { barePod, isServing } from './pods.ts';
import type { ObservedPod } from './pods.ts';
import { closeRoom, openRoom, pathOf, scratch } from './room.ts';
import type { Room } from './room.ts';

const NAME = 'kept';
const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/encryptedmodels.weightlock.dev';
const WEBHOOK = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/weightlock';
const DEPLOYMENT = `/apis/apps/v1/namespaces/${SYSTEM_NAMESPACE}/deployments/weightlock-operator`;

let room: Room;
beforeAll(async () => {
  room = await openRoom(await openLab(), 'e2e-install');
  using folder = scratch();
  writeFileSync(join(folder.path, 'file'), 'weights');
  await room.apply(await room.seal(NAME, folder.path));
}, 60_000);
afterAll(async () => {
  await install(room.lab.cluster, room.lab.values); // whatever failed here, other files need it
  await closeRoom(room);
}, 150_000);

async function serves(name: string): Promise<ObservedPod> {
  await room.apply(barePod(name, { models: NAME }));
  return (await room.lab.cluster.until<ObservedPod>(pathOf(room.namespace, 'pods', name), isServing, 90_000)) as ObservedPod;
}
interface OperatorPod {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
}
const operatorPods = async (): Promise<readonly OperatorPod[]> =>
  (
    (await room.lab.cluster.get(`${pathOf(SYSTEM_NAMESPACE, 'pods')}?labelSelector=app.kubernetes.io%2Fcomponent%3Doperator`)) as {
      items: readonly OperatorPod[];
    }
  ).items;
interface CaBundles {
  readonly webhooks: readonly { readonly clientConfig: { readonly caBundle?: string } }[];
}
const bundle = async (): Promise<string | undefined> => ((await room.lab.cluster.get(WEBHOOK)) as CaBundles).webhooks[0]?.clientConfig.caBundle;

describe('helm', () => {
  test('reports the installation that these tests run on', async () => {
    const [release] = JSON.parse(await helm(room.lab.cluster, ['list', '--namespace', SYSTEM_NAMESPACE, '--output', 'json'])) as {
      name: string;
      status: string;
    }[];
    expect(release).toMatchObject({ name: 'weightlock', status: 'deployed' });
  });

  test('upgrades in place: new pods of the operator, the same certificate authority, and no labelled pod is refused meanwhile', async () => {
    const before = await bundle();
    expect(before).toMatch(/^[A-Za-z0-9+/]+=*$/);
    const upgrade = install(room.lab.cluster, { ...room.lab.values, logLevel: 'debug', podAnnotations: { upgraded: 'yes' } });
    const state = { upgrading: true };
    const ended = upgrade.finally(() => {
      state.upgrading = false;
    });
    const outcomes: string[] = [];
    const pod = JSON.stringify({
      ...barePod('asked-meanwhile', { models: NAME }),
      metadata: { ...(barePod('asked-meanwhile', { models: NAME }) as { metadata: object }).metadata, namespace: room.namespace },
    });
    // Until the old pods are gone too: they answer while the API server still knows them.
    while (state.upgrading || (await operatorPods()).some(({ metadata }) => metadata.annotations?.['upgraded'] === undefined)) {
      const { status, stderr } = await room.lab.cluster.attempt('kube', ['kubectl', 'create', '--dry-run=server', '--filename', '-'], { input: pod });
      outcomes.push(status === 0 ? 'admitted' : stderr);
    }
    await ended;
    expect(outcomes.length).toBeGreaterThan(5);
    expect(outcomes.filter((outcome) => outcome !== 'admitted')).toEqual([]);
    expect(await bundle()).toBe(before);
    await serves('after-upgrade');
  });

  test('gave the operator all the rights it needs: nothing it asked for was forbidden', async () => {
    const log = await room.lab.cluster.kubectl([
      '--namespace',
      SYSTEM_NAMESPACE,
      'logs',
      '--selector',
      'app.kubernetes.io/component=operator',
      '--tail',
      '-1',
    ]);
    expect(log).toContain('admitting pods');
    expect(log).not.toMatch(/forbidden|\b403\b/i);
  });

  test('uninstalls, and leaves the CRD and every model', async () => {
    const { cluster } = room.lab;
    await helm(cluster, ['uninstall', 'weightlock', '--namespace', SYSTEM_NAMESPACE, '--wait', '--timeout', '100s']);
    expect(await cluster.get(DEPLOYMENT)).toBeUndefined();
    expect(await cluster.get(WEBHOOK)).toBeUndefined();
    expect(await cluster.get(CRD)).toBeDefined();
    expect(await cluster.get(pathOf(room.namespace, 'encryptedmodels', NAME))).toMatchObject({ metadata: { name: NAME } });
    const left = JSON.parse(
      await cluster.kubectl(['get', 'clusterroles,clusterrolebindings', '--selector', 'app.kubernetes.io/name=weightlock', '--output', 'json']),
    ) as { items: unknown[] };
    expect(left.items).toEqual([]);
  });

  test('installs over the CRDs and models that were kept, and they serve', async () => {
    await install(room.lab.cluster, room.lab.values);
    await serves('after-reinstall');
  });
});

describe('without Helm', () => {
  test('kubectl apply --server-side takes crds/, over Helm’s as on an empty cluster', async () => {
    const applied = await room.lab.cluster.kubectl(['apply', '--server-side', '--force-conflicts', '--filename', join(REPOSITORY, 'crds')]);
    expect(applied).toContain('customresourcedefinition.apiextensions.k8s.io/encryptedmodels.weightlock.dev serverside-applied');
    expect(await room.kubectl('get', 'em')).toContain(NAME);
  });

  test('the chart leaves CRDs to others when told to', async () => {
    const rendered = await helm(room.lab.cluster, ['template', 'weightlock', CHART, '--set', 'crds.enabled=false'], room.lab.values);
    expect(rendered).not.toContain('CustomResourceDefinition');
  });
});
