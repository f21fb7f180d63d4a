// Keeps a store equal to what the API server has: list in pages, then watch from there, for ever. client-node's informer ends for good at the
// first error that is not a 410; this one ends when it is told to. https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
import type { Logger } from '../../core/log.ts';
import { isExpired, statusOfEvent } from './api-error.ts';
import { pauseMs } from './backoff.ts';
import type { ApiClient } from './client.ts';
import { pause } from './pause.ts';
import { collectionPath, type Resource } from './resource.ts';
import { type Key, keyOf, Store, type Stored, type StoreReader } from './store.ts';

export interface ReflectorOptions<Raw extends Stored, T extends Stored> {
  readonly client: ApiClient;
  readonly resource: Resource;
  /** Absent: every namespace. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  /** `metadata.name=…` makes list and watch fit a role that names one object. */
  readonly fieldSelector?: string;
  /** What to keep of an object; called once for each that arrives. Must not throw. */
  readonly trim: (object: Raw) => T;
  /** Values under which `indexed` finds an object. */
  readonly index?: (object: T) => readonly string[];
  /** Told of each change once the store has it. Only enqueues keys: it runs between two reads of the stream, and must not throw. */
  readonly changed: (before: T | undefined, after: T | undefined) => void;
  readonly log: Logger;
  /** A watch without a byte for this long is dead: bookmarks come about once a minute. Default 150 s. */
  readonly silenceMs?: number;
  /** Objects a page. Default 500. */
  readonly pageSize?: number;
}

export interface Reflector<T extends Stored> {
  readonly store: StoreReader<T>;
  /** Whether a full list has been in the store. */
  readonly isSynced: boolean;
  /** Resolves when it has; rejects with the signal's reason. */
  synced(signal: AbortSignal): Promise<void>;
  /** `performance.now()` when the loop last did something: read a page or an event, or failed to. */
  readonly lastTurnMs: number;
  /** Runs until `signal` aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

const BACKOFF = { firstMs: 500, capMs: 30_000 };
const WATCH_SECONDS = { least: 240, jitter: 120 }; // the API server ends each watch in this time; apart, so that all do not come back at once
const BRIEF_WATCH_MS = 1000; // one that ends sooner without an event counts as a failure: else a confused proxy makes us spin

interface Page<Raw> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly Raw[] | null;
}
interface WatchEvent<Raw> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: Raw;
}

export function reflector<Raw extends Stored, T extends Stored>(options: ReflectorOptions<Raw, T>): Reflector<T> {
  const { client, resource, namespace, labelSelector, fieldSelector, trim, index = () => [], changed, log, silenceMs = 150_000, pageSize = 500 } = options;
  const store = new Store<T>(index);
  const path = collectionPath(resource, namespace);
  const first = Promise.withResolvers<void>();
  let isSynced = false;
  let lastTurnMs = performance.now();
  /** Where to watch from; undefined: list first. */
  let resourceVersion: string | undefined;

  async function list(signal: AbortSignal): Promise<void> {
    const fresh: T[] = [];
    let token: string | undefined;
    let page: Page<Raw>;
    do {
      page = await client.json<Page<Raw>>({ method: 'GET', path, query: { limit: pageSize, continue: token, labelSelector, fieldSelector }, signal });
      for (const object of page.items ?? []) fresh.push(trim(object));
      lastTurnMs = performance.now();
      token = page.metadata.continue;
    } while (token !== undefined && token !== '');
    const gone = new Set<Key>(store.keys());
    for (const object of fresh) {
      gone.delete(keyOf(object.metadata));
      const before = store.put(object);
      if (before?.metadata.resourceVersion !== object.metadata.resourceVersion) changed(before, object);
    }
    for (const key of gone) changed(store.remove(key), undefined);
    resourceVersion = page.metadata.resourceVersion;
    isSynced = true;
    first.resolve();
  }

  /** Reads events until the server ends the watch; whether there was any. */
  async function watch(from: string, signal: AbortSignal): Promise<boolean> {
    const timeoutSeconds = Math.round(WATCH_SECONDS.least + WATCH_SECONDS.jitter * Math.random());
    const query = { watch: true, allowWatchBookmarks: true, resourceVersion: from, timeoutSeconds, labelSelector, fieldSelector };
    let heard = false;
    for await (const line of client.lines({ method: 'GET', path, query, signal }, silenceMs)) {
      const event = JSON.parse(line) as WatchEvent<Raw>;
      lastTurnMs = performance.now();
      if (event.type === 'ERROR') throw statusOfEvent(`watch ${path}`, event.object);
      heard = true;
      if (event.type === 'DELETED') changed(store.remove(keyOf(event.object.metadata)), undefined);
      else if (event.type !== 'BOOKMARK') {
        const after = trim(event.object);
        changed(store.put(after), after);
      }
      resourceVersion = event.object.metadata.resourceVersion; // after the store: a cut between the two repeats the event, and loses none
    }
    return heard;
  }

  async function run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const startedMs = performance.now();
      let heard = false;
      try {
        if (resourceVersion === undefined) {
          await list(signal);
          failures = 0;
        }
        if (resourceVersion !== undefined) heard = await watch(resourceVersion, signal);
        if (heard || performance.now() - startedMs >= BRIEF_WATCH_MS) failures = 0;
        else failures += 1;
      } catch (error) {
        if (signal.aborted) break;
        if (isExpired(error)) resourceVersion = undefined;
        // A cut after a good while is everyday life: the first try after it comes soon.
        failures = performance.now() - startedMs >= BRIEF_WATCH_MS ? 1 : failures + 1;
        log[failures > 1 ? 'warn' : 'info']('watching was interrupted', { kind: resource.plural, reason: describe(error), attempt: failures });
      }
      lastTurnMs = performance.now();
      if (failures > 0) await pause(pauseMs(BACKOFF, failures), signal);
    }
  }

  return {
    store,
    run,
    get isSynced() {
      return isSynced;
    },
    get lastTurnMs() {
      return lastTurnMs;
    },
    async synced(signal) {
      const aborted = new Promise<never>((_, reject) => {
        const fail = (): void => reject(signal.reason as Error);
        if (signal.aborted) fail();
        signal.addEventListener('abort', fail, { once: true });
      });
      await Promise.race([first.promise, aborted]);
    },
  };
}

const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error));
