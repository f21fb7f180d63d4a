// A model whose manifest was opened and accepted: steps 1-6 of format.md §8 hold for it. Nothing of its weights was read yet.
import type { SegmentEngine } from '../engine/engine.ts';
import type { Lineage } from '../envelope/lineage.ts';
import type { Manifest, ManifestFile } from '../envelope/manifest.ts';
import type { ProviderName } from '../keys/provider.ts';

/** How the key was had, for records that join the key service's own log. */
export interface UnwrapFacts {
  readonly provider: ProviderName;
  readonly key: string;
  readonly requestId: string | null;
  /** RFC 3339, UTC, whole seconds. */
  readonly at: string;
}

/** Owned by whoever opened it: `destroy` (or `using`) zeroes the lineage's key. */
export interface OpenedModel extends Disposable {
  /** Hex SHA-256 of the manifest object. */
  readonly digest: string;
  readonly manifest: Manifest;
  /** What the policy's patterns choose, in the manifest's order; its sums are what the policy expected. */
  readonly selected: readonly ManifestFile[];
  readonly lineage: Lineage;
  /** What opened the manifest, and opens the files: chosen by a known-answer test, once a model. */
  readonly engine: SegmentEngine;
  readonly unwrapped: UnwrapFacts;
  /** The strongest pin that vouched. `name`: only adversaries A1, A2 and A6 of format.md §1 are held off, and people must be told. */
  readonly pinnedBy: 'digest' | 'lineage' | 'name';
  destroy(): void;
}
