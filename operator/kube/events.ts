// Kubernetes Events (events.k8s.io/v1), each told once. An Event's name is made of what it says about whom, so a replica that starts anew, or takes
// over, finds it already told; what happens again is counted in its series. Telling never holds up what it tells about.
import { createHash } from 'node:crypto';
import type { Logger } from '../../core/log.ts';
import { ApiError, isConflict, isNotFound } from './api-error.ts';
import type { ApiClient } from './client.ts';
import { createObject, mergePatch } from './objects.ts';
import { apiVersionOf, EVENTS } from './resource.ts';
import { workQueue } from './workqueue.ts';

/** An object that an Event is about, as `kubectl describe` looks it up. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface Occurrence {
  readonly type: 'Normal' | 'Warning';
  readonly regarding: ObjectReference;
  readonly related?: ObjectReference;
  /** A code of core/errors.ts or a word like it. */
  readonly reason: string;
  /** What was being done: one word, UpperCamelCase. */
  readonly action: string;
  /** What happened and what to do; cut at 1,024 bytes. */
  readonly note: string;
  /** How often it has happened by now. Telling no more than before does nothing. */
  readonly count: number;
}

export interface Recorder {
  /** Queues it; drops it where too many wait already. */
  record(occurrence: Occurrence): void;
  /** Sends what is queued until `signal` aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

export interface RecorderOptions {
  readonly client: ApiClient;
  /** This replica. */
  readonly instance: string;
  /** Names the program: EVENT_CONTROLLER. */
  readonly controller: string;
  readonly log: Logger;
}

const NOTE_LIMIT_BYTES = 1024; // the API server's
const WAITING_LIMIT = 1000;
const TOLD_LIMIT = 10_000; // names and counts, about 1 MiB
const TRIES = 5;

export function recorder({ client, instance, controller, log }: RecorderOptions): Recorder {
  const waiting = new Map<string, Occurrence>();
  /** The count last told under each name, oldest first. */
  const told = new Map<string, number>();

  const queue = workQueue({
    concurrency: 2,
    deadlineMs: 10_000,
    backoff: { firstMs: 500, capMs: 10_000 },
    work: async (name, signal) => {
      const occurrence = waiting.get(name);
      if (occurrence === undefined) return;
      await tell(name, occurrence, signal);
      if (waiting.get(name) === occurrence) waiting.delete(name);
      remember(name, occurrence.count);
    },
    failed: (name, error, attempt) => {
      const { namespace, kind } = waiting.get(name)?.regarding ?? {};
      const final = attempt >= TRIES || (error instanceof ApiError && error.status < 500 && error.status !== 429);
      if (!final) return;
      waiting.delete(name); // a namespace that is going away refuses new Events, for one
      log.warn('an Event could not be told', { name, reason: error instanceof Error ? error.message : String(error), ...(kind === undefined ? {} : { kind }), ...(namespace === undefined ? {} : { namespace }) });
    },
  });

  function remember(name: string, count: number): void {
    told.delete(name);
    told.set(name, count);
    const oldest = told.keys().next();
    if (told.size > TOLD_LIMIT && oldest.done !== true) told.delete(oldest.value);
  }

  async function tell(name: string, occurrence: Occurrence, signal: AbortSignal): Promise<void> {
    const { namespace } = occurrence.regarding;
    const now = new Date().toISOString().replace('Z', '000Z'); // MicroTime
    // A series starts at two (events.k8s.io/v1 validation).
    const series = occurrence.count < 2 ? {} : { series: { count: occurrence.count, lastObservedTime: now } };
    if (told.has(name) && occurrence.count >= 2) {
      try {
        await mergePatch(client, EVENTS, { namespace, name }, series, signal);
        return;
      } catch (error) {
        if (!isNotFound(error)) throw error; // it lived its hour: told anew below
      }
    }
    const { type, regarding, related, reason, action, note } = occurrence;
    try {
      await createObject(client, EVENTS, namespace, {
        apiVersion: apiVersionOf(EVENTS),
        kind: 'Event',
        metadata: { name, namespace },
        eventTime: now,
        reportingController: controller,
        reportingInstance: instance,
        type, regarding, ...(related === undefined ? {} : { related }), reason, action,
        note: cut(note),
        ...series,
      }, signal);
    } catch (error) {
      if (!isConflict(error)) throw error;
      if (occurrence.count >= 2) await mergePatch(client, EVENTS, { namespace, name }, series, signal);
    }
  }

  return {
    record(occurrence) {
      const name = nameOf(occurrence);
      if ((told.get(name) ?? 0) >= occurrence.count) return;
      if (!waiting.has(name) && waiting.size >= WAITING_LIMIT) {
        log.warn('too many Events wait: one is dropped', { name: occurrence.regarding.name, namespace: occurrence.regarding.namespace, reason: occurrence.reason });
        return;
      }
      waiting.set(name, occurrence);
      queue.add(name);
    },
    run: (signal) => queue.run(signal),
  };
}

/** `<object>.<16 hex>`, of all that makes it another Event. At most 253 characters, as object names are. */
function nameOf({ regarding, related, reason, action, note }: Occurrence): string {
  const digest = createHash('sha256').update([regarding.uid, related?.uid ?? '', reason, action, note].join('\0')).digest('hex');
  return `${regarding.name.slice(0, 236).replace(/[^a-z0-9]+$/, '')}.${digest.slice(0, 16)}`;
}

function cut(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= NOTE_LIMIT_BYTES) return text;
  return `${bytes.subarray(0, NOTE_LIMIT_BYTES - 3).toString('utf8').replace(/�+$/, '')}…`;
}
