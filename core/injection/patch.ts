// JSON Patch (RFC 6902) as admission answers with it: outside our own objects additions only, parents created once.

export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** In the order in which they apply. Empty where the pod is already as it must be. */
export type JsonPatch = readonly PatchOperation[];
