// A namespace of one test file with all that an app team and a model owner bring: a bucket, a key, the reader's credentials, Pod Security "restricted".
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EncryptedModel } from '../../core/api/encrypted-model.ts';
import { READER } from '../lab/s3.ts';
import { seal } from '../lab/sealing.ts';
import type { Lab } from './lab.ts';

export const SECRET = 'store-credentials';

export interface SealOptions {
  /** Defaults: the model's own name. */
  readonly prefix?: string;
  readonly version?: string;
  readonly bucket?: string;
  readonly keyArn?: string;
  readonly more?: readonly string[];
}

export interface Room {
  readonly lab: Lab;
  readonly namespace: string;
  readonly bucket: string;
  readonly keyArn: string;
  /** Seals `folder` as `e2e/<name>`; returns what `--emit` wrote, not yet applied. */
  seal(name: string, folder: string, options?: SealOptions): Promise<EncryptedModel>;
  /** Applies objects into the namespace, server-side. */
  apply(...objects: readonly object[]): Promise<string>;
  kubectl(...args: string[]): Promise<string>;
  /** `describe` of one object. */
  describe(kind: string, name: string): Promise<string>;
}

const PATHS: Readonly<Record<string, string>> = {
  pods: 'api/v1',
  secrets: 'api/v1',
  deployments: 'apis/apps/v1',
  replicasets: 'apis/apps/v1',
  statefulsets: 'apis/apps/v1',
  jobs: 'apis/batch/v1',
  encryptedmodels: 'apis/weightlock.dev/v1alpha1',
};

/** API path of an object, or of a list without `name`. */
export function pathOf(namespace: string, plural: string, name?: string): string {
  return `/${PATHS[plural] ?? 'api/v1'}/namespaces/${namespace}/${plural}${name === undefined ? '' : `/${name}`}`;
}

/** Makes the namespace anew; what an earlier run left in it goes first. */
export async function openRoom(lab: Lab, namespace: string): Promise<Room> {
  const { cluster, s3, kms } = lab;
  await cluster.kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait']);
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: SECRET, namespace }, stringData: { ...READER } };
  await cluster.apply(manifestsOf([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } }]));
  const bucket = `${namespace}-${Date.now().toString(36)}`;
  const [keyArn] = await Promise.all([kms.createKey(), s3.createBucket(bucket, true), cluster.apply(manifestsOf([secret]))]);
  await cluster.until(pathOf(namespace, 'serviceaccounts', 'default'), (account) => account !== undefined, 20_000);

  return {
    lab,
    namespace,
    bucket,
    keyArn,
    seal: (name, folder, options = {}) =>
      seal(cluster, {
        folder,
        namespace,
        name: `e2e/${name}`,
        secret: SECRET,
        s3: s3.origin,
        kms: kms.origin,
        bucket: options.bucket ?? bucket,
        prefix: options.prefix ?? name,
        version: options.version ?? '1',
        keyArn: options.keyArn ?? keyArn,
        more: options.more ?? ['--emit-name', name],
      }),
    apply: (...objects) => cluster.apply(manifestsOf(objects.map((object) => inNamespace(object, namespace)))),
    kubectl: (...args) => cluster.kubectl(['--namespace', namespace, ...args]),
    describe: (kind, name) => cluster.kubectl(['--namespace', namespace, 'describe', kind, name]),
  };
}

export async function closeRoom(room: Room | undefined): Promise<void> {
  // Waited for: the one node has few cores, and the next file's pods need what these asked for.
  await room?.lab.cluster.kubectl(['delete', 'namespace', room.namespace, '--wait']);
}

const manifestsOf = (objects: readonly object[]): string => objects.map((object) => JSON.stringify(object)).join('\n---\n');

function inNamespace(object: object, namespace: string): object {
  const { metadata, ...rest } = object as { metadata: object };
  return { ...rest, metadata: { namespace, ...metadata } };
}

/** A folder that is gone at the end of the block (`using`). */
export function scratch(): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'weightlock-e2e-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
