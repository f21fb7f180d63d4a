// Single objects: get, create, replace, patch. Each is one call with the client's deadline; nothing here retries.
import { isNotFound } from './api-error.ts';
import type { ApiClient } from './client.ts';
import { collectionPath, objectPath, type ObjectName, type Resource } from './resource.ts';

/** The object, or undefined where there is none. */
export async function getObject<T>(client: ApiClient, resource: Resource, name: ObjectName, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await client.json<T>({ method: 'GET', path: objectPath(resource, name), signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** 409 AlreadyExists (isConflict) where the name is taken. */
export function createObject<T>(client: ApiClient, resource: Resource, namespace: string, body: T, signal: AbortSignal): Promise<T> {
  return client.json<T>({ method: 'POST', path: collectionPath(resource, namespace), body, signal });
}

/** 409 Conflict where `body.metadata.resourceVersion` is not the current one: whoever was first has it. */
export function replaceObject<T>(client: ApiClient, resource: Resource, name: ObjectName, body: T, signal: AbortSignal): Promise<T> {
  return client.json<T>({ method: 'PUT', path: objectPath(resource, name), body, signal });
}

/** JSON merge patch (RFC 7396). */
export function mergePatch<T>(client: ApiClient, resource: Resource, name: ObjectName, body: unknown, signal: AbortSignal): Promise<T> {
  return client.json<T>({ method: 'PATCH', path: objectPath(resource, name), contentType: 'application/merge-patch+json', body, signal });
}
