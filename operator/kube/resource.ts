// The kinds this operator touches and the paths of their collections and objects.
import { API_GROUP, API_VERSION, PLURAL } from '../../core/api/names.ts';

export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
}

export const PODS: Resource = { group: '', version: 'v1', plural: 'pods' };
export const SECRETS: Resource = { group: '', version: 'v1', plural: 'secrets' };
export const ENCRYPTED_MODELS: Resource = { group: API_GROUP, version: API_VERSION, plural: PLURAL };
export const EVENTS: Resource = { group: 'events.k8s.io', version: 'v1', plural: 'events' };
export const LEASES: Resource = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' };
export const MUTATING_WEBHOOKS: Resource = { group: 'admissionregistration.k8s.io', version: 'v1', plural: 'mutatingwebhookconfigurations' };

/** `group/version` as objects spell it. */
export const apiVersionOf = (resource: Resource): string => (resource.group === '' ? resource.version : `${resource.group}/${resource.version}`);

/** All objects of a kind: in every namespace, or in one. Cluster-scoped kinds take no namespace. */
export function collectionPath(resource: Resource, namespace?: string): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  return `${root}${namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`}/${resource.plural}`;
}

export interface ObjectName {
  readonly namespace?: string;
  readonly name: string;
}

export function objectPath(resource: Resource, { namespace, name }: ObjectName, subresource?: 'status'): string {
  const path = `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}
