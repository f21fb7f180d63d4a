// Where each stored thing lies under the prefix (docs/format.md §2). Names come from random ids and digests, never from free text.

/** `digest`: hex SHA-256 of the manifest object. */
export const versionKey = (digest: string): string => `versions/${digest}.json`;
export const envelopeKey = (envelopeId: string): string => `envelopes/${envelopeId}.json`;
export const objectKey = (objectId: string): string => `objects/${objectId}`;
/** Mutable, a convenience, never evidence. */
export const LATEST_KEY = 'latest.json';
