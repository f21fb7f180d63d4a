// Server-side apply: this program states the fields it owns, the API server merges and remembers who owns what.
// https://kubernetes.io/docs/reference/using-api/server-side-apply/
import type { ApiClient } from './client.ts';
import { apiVersionOf, objectPath, type ObjectName, type Resource } from './resource.ts';

export interface Application extends ObjectName {
  readonly resource: Resource;
  readonly kind: string;
  /** Only this object: no namesake is changed (422), none is made (409). Not looked at for a subresource. */
  readonly uid?: string;
  /** Only this version of it: 409 where somebody wrote since. */
  readonly resourceVersion?: string;
  readonly subresource?: 'status';
  /** Every field that this manager owns from now on; one it no longer names is removed. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** One of FIELD_MANAGER (core/api/names.ts). */
  readonly fieldManager: string;
}

/** Applies, taking over fields that someone else had set (`force`: we alone answer for them). Resolves with the object as it is now. */
export function applyObject<T>(client: ApiClient, application: Application, signal: AbortSignal): Promise<T> {
  const { resource, kind, namespace, name, uid, resourceVersion, subresource, fields, fieldManager } = application;
  const metadata = { name, namespace, uid, resourceVersion }; // undefined: left out
  return client.json<T>({
    method: 'PATCH',
    path: objectPath(resource, application, subresource),
    query: { fieldManager, force: true },
    contentType: 'application/apply-patch+yaml', // JSON is YAML
    body: { apiVersion: apiVersionOf(resource), kind, metadata, ...fields },
    signal,
  });
}
