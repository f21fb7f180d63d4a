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
  /** The objects among whose index values is `value`, in no order. */
  indexed(value: string): readonly T[];
  values(): Iterable<T>;
  readonly size: number;
}

export class Store<T extends Stored> implements StoreReader<T> {
  readonly #objects = new Map<Key, T>();
  readonly #index = new Map<string, Map<Key, T>>();
  readonly #indexOf: (object: T) => readonly string[];

  constructor(indexOf: (object: T) => readonly string[]) {
    this.#indexOf = indexOf;
  }

  get size(): number {
    return this.#objects.size;
  }
  get(key: Key): T | undefined {
    return this.#objects.get(key);
  }
  values(): Iterable<T> {
    return this.#objects.values();
  }
  keys(): Iterable<Key> {
    return this.#objects.keys();
  }
  indexed(value: string): readonly T[] {
    return [...(this.#index.get(value)?.values() ?? [])];
  }

  /** Stores `object`; the one it takes the place of, if any. */
  put(object: T): T | undefined {
    const key = keyOf(object.metadata);
    const before = this.remove(key);
    this.#objects.set(key, object);
    for (const value of this.#indexOf(object)) {
      const bucket = this.#index.get(value) ?? new Map<Key, T>();
      bucket.set(key, object);
      this.#index.set(value, bucket);
    }
    return before;
  }

  remove(key: Key): T | undefined {
    const before = this.#objects.get(key);
    if (before === undefined) return undefined;
    this.#objects.delete(key);
    for (const value of this.#indexOf(before)) {
      const bucket = this.#index.get(value);
      bucket?.delete(key);
      if (bucket?.size === 0) this.#index.delete(value);
    }
    return before;
  }
}
