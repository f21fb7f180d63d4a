// Keeps a store equal to what the API server has: list in pages, then watch from there, for ever.
import type { Logger } from '../../core/log.ts';
import type { ApiClient } from './client.ts';
import type { Resource } from './resource.ts';
import type { Stored, StoreReader } from './store.ts';

export interface ReflectorOptions<T extends Stored> {
  readonly client: ApiClient;
  readonly resource: Resource;
  /** Absent: every namespace. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  /** `metadata.name=…` makes list and watch fit a role that names one object. */
  readonly fieldSelector?: string;
  /** What to keep of an object; called once for each that arrives. */
  readonly trim: (object: T) => T;
  /** Values under which `indexed` finds an object. */
  readonly index?: (object: T) => readonly string[];
  /** Told of each change after the store has it. Must only enqueue keys: it runs in the read loop, and may not throw. */
  readonly changed: (before: T | undefined, after: T | undefined) => void;
  readonly log: Logger;
}

export interface Reflector<T extends Stored> {
  readonly store: StoreReader<T>;
  /** Resolves when the first full list is in the store; rejects with the signal's reason. */
  synced(signal: AbortSignal): Promise<void>;
  readonly isSynced: boolean;
  /** `performance.now()` of the last sign of life of the loop itself (a list, an event, or an attempt that failed). */
  readonly lastTurnMs: number;
  /** Runs until `signal` aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
}
