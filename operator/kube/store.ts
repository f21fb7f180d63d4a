// The cache behind a reflector: objects by `namespace/name`, and by one index of the reader's choice.

/** What is kept of every object, whatever else `trim` leaves of it. */
export interface Stored {
  readonly metadata: { readonly namespace?: string; readonly name: string; readonly uid: string; readonly resourceVersion: string };
}

/** `namespace/name`, or the name alone for cluster-scoped kinds. */
export type Key = string;
export const keyOf = (metadata: { readonly namespace?: string | undefined; readonly name: string }): Key =>
  metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;

export interface StoreReader<T extends Stored> {
  get(key: Key): T | undefined;
  /** The objects whose index values include `value`, in no order. */
  indexed(value: string): readonly T[];
  values(): Iterable<T>;
  readonly size: number;
}
