// What is said of an opened model: all of it from the sealed manifest and the proven key, none of it from the store.
import { printable } from '../core/printable.ts';
import type { OpenedModel } from '../core/opening/opened-model.ts';
import type { Json } from './say.ts';

/** Ranges in flight at once: enough to fill a link whose single connections are slow; each costs some 2 MiB. */
export const CONNECTIONS = 16;

const rowsOf = ({ digest, lineage, manifest, unwrapped, pinnedBy }: OpenedModel): readonly (readonly [string, string])[] => [
  ['name', manifest.model.name],
  ['version', manifest.model.version],
  ['sequence', String(manifest.sequence)],
  ['created', manifest.created],
  ['digest', `sha256:${digest}`],
  ['lineage', lineage.commitment],
  ['pinned by', pinnedBy],
  ['key', `${unwrapped.provider} ${unwrapped.key}`],
  ...(unwrapped.requestId === null ? [] : [['KMS request', unwrapped.requestId] as const]),
];

/** One row a pair. Values may be the store's words. */
export const rows = (pairs: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}`).join('\n');
};

export const factsText = (model: OpenedModel): string => rows(rowsOf(model));

export const factsJson = ({ digest, lineage, manifest, unwrapped, pinnedBy }: OpenedModel): { readonly [name: string]: Json } => ({
  model: { name: manifest.model.name, version: manifest.model.version },
  sequence: manifest.sequence,
  previous: manifest.previous,
  created: manifest.created,
  digest: `sha256:${digest}`,
  lineage: lineage.commitment,
  pinnedBy,
  key: { provider: unwrapped.provider, id: unwrapped.key, requestId: unwrapped.requestId },
});
