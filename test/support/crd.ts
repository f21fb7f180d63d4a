// Installs crds/ on an API server of the tests, as `kubectl apply` would.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { ApiClient } from '../../operator/kube/client.ts';
import { collectionPath, ENCRYPTED_MODELS, type Resource } from '../../operator/kube/resource.ts';
import { eventually } from './eventually.ts';

const CRDS: Resource = { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions' };
const FILE = join(import.meta.dirname, '../../crds/encryptedmodels.yaml');

/** Resolves when EncryptedModels can be made. */
export async function installCrd(admin: ApiClient): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  await admin.json({ method: 'POST', path: collectionPath(CRDS), body: parse(await readFile(FILE, 'utf8')), signal });
  await eventually('EncryptedModels are served', async () => {
    await admin.json({ method: 'GET', path: collectionPath(ENCRYPTED_MODELS), signal });
    return true;
  });
}
