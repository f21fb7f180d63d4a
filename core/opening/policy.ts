// What a reader insists on (format.md §1, §8 step 1). At least one of digest, lineage, name must be there.

export interface ReaderPolicy {
  /** Hex SHA-256 of the manifest object. */
  readonly digest?: string;
  /** Hex commitment. */
  readonly lineage?: string;
  readonly name?: string;
  readonly version?: string;
  readonly minSequence?: number;
  /** Manifest digests or lineage pins, hex. */
  readonly denied?: readonly string[];
  readonly content: 'Digest' | 'Aead';
  readonly files: { readonly include: readonly string[]; readonly exclude: readonly string[] };
  /** What the selection must add up to, where the reader was told. */
  readonly expected?: { readonly bytes: number; readonly files: number };
  /** Seconds since the epoch, for `expires`. */
  readonly now: () => number;
}
