// Leadership by a Lease object (coordination.k8s.io/v1): one replica at a time writes what only one may write. As in client-go, whether a lease has
// run out is judged by how long this replica has seen it unchanged, on its own monotonic clock: the clocks of two nodes are never compared.
import type { Logger } from '../../core/log.ts';
import { isConflict } from './api-error.ts';
import type { ApiClient } from './client.ts';
import { createObject, getObject, replaceObject } from './objects.ts';
import { pause } from './pause.ts';
import { apiVersionOf, LEASES } from './resource.ts';

export interface ElectorOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly name: string;
  /** Unique among replicas, the same as long as this process lives. */
  readonly identity: string;
  readonly log: Logger;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  readonly timing?: LeaseTiming;
}

/** `renewMs` must leave room before `durationMs`: that is how long a leader that cannot renew goes on before it stops by itself. */
export interface LeaseTiming {
  /** Others may take a lease that they saw unchanged for so long. A whole number of seconds. */
  readonly durationMs: number;
  /** A leader that has not renewed for so long stops leading. */
  readonly renewMs: number;
  readonly retryMs: number;
}
const CLIENT_GO_TIMING: LeaseTiming = { durationMs: 15_000, renewMs: 10_000, retryMs: 2_000 };

export interface Elector {
  /** Whether this replica holds the lease now. Looks at the clock: true never outlives the time in which nobody else can have it. */
  readonly isLeader: boolean;
  /** `now()` when the loop last turned. */
  readonly lastTurnMs: number;
  /**
   * Runs `lead` whenever this replica holds the lease. Its signal aborts when the lease is lost or not renewed in time; it must then settle.
   * Ends when `signal` aborts, and gives the lease up so that another replica need not wait. Never rejects.
   */
  run(lead: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void>;
}

interface Lease {
  readonly apiVersion: string;
  readonly kind: 'Lease';
  readonly metadata: { readonly namespace: string; readonly name: string; readonly resourceVersion?: string };
  readonly spec: {
    readonly holderIdentity: string;
    readonly leaseDurationSeconds: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions: number;
  };
}

export function elector({ client, namespace, name, identity, log, now, timing = CLIENT_GO_TIMING }: ElectorOptions): Elector {
  const { durationMs, renewMs, retryMs } = timing;
  const objectName = { namespace, name };
  let lastTurnMs = now();
  /** The lease as last read, and when this very version was first seen. */
  let seen: { readonly lease: Lease; readonly atMs: number } | undefined;
  /** Set while leading: the moment at which leading ends unless renewed. */
  let leadsUntilMs = Number.NEGATIVE_INFINITY;

  const isLeader = (): boolean => now() < leadsUntilMs;

  /** One try to take or renew the lease. Throws where the API server cannot be asked; false where another holds it. */
  async function claim(outer: AbortSignal): Promise<boolean> {
    const startedMs = now();
    const signal = AbortSignal.any([outer, AbortSignal.timeout(renewMs)]);
    const held = await read(signal);
    if (held === undefined) remember(await createObject(client, LEASES, namespace, leaseOf(undefined, identity), signal));
    else {
      const { holderIdentity } = held.spec;
      const isOthers = holderIdentity !== identity && holderIdentity !== '';
      if (isOthers) leadsUntilMs = Number.NEGATIVE_INFINITY;
      if (isOthers && now() - (seen?.atMs ?? startedMs) < held.spec.leaseDurationSeconds * 1000) return false;
      remember(await replaceObject(client, LEASES, objectName, leaseOf(held, identity), signal));
    }
    leadsUntilMs = startedMs + renewMs; // from before the call: the server's clock of this lease started no earlier
    return true;
  }

  async function read(signal: AbortSignal): Promise<Lease | undefined> {
    if (isLeader() && seen !== undefined) return seen.lease; // the write itself finds out whether somebody else wrote
    const lease = await getObject<Lease>(client, LEASES, objectName, signal);
    if (lease !== undefined && lease.metadata.resourceVersion !== seen?.lease.metadata.resourceVersion) remember(lease);
    return lease;
  }
  const remember = (lease: Lease): void => {
    seen = { lease, atMs: now() };
  };

  function leaseOf(before: Lease | undefined, holderIdentity: string): Lease {
    const renewTime = new Date().toISOString().replace('Z', '000Z'); // MicroTime; for people only
    const renewed = before?.spec.holderIdentity === holderIdentity;
    return {
      apiVersion: apiVersionOf(LEASES),
      kind: 'Lease',
      metadata: { ...objectName, ...(before?.metadata.resourceVersion === undefined ? {} : { resourceVersion: before.metadata.resourceVersion }) },
      spec: {
        holderIdentity,
        leaseDurationSeconds: durationMs / 1000,
        acquireTime: (renewed ? before.spec.acquireTime : undefined) ?? renewTime,
        renewTime,
        leaseTransitions: (before?.spec.leaseTransitions ?? 0) + (renewed || before === undefined ? 0 : 1),
      },
    };
  }

  /** `claim`, where a failure is no reason to stop: it is tried again until the lease's time is over. */
  async function claimed(signal: AbortSignal): Promise<boolean> {
    lastTurnMs = now();
    try {
      return await claim(signal);
    } catch (error) {
      if (isConflict(error)) seen = undefined; // somebody else wrote: read again before the next try
      else if (!signal.aborted) log.warn('the lease could not be claimed', { name, reason: error instanceof Error ? error.message : String(error) });
      return false;
    }
  }

  async function release(): Promise<void> {
    const lease = seen?.lease;
    if (!isLeader() || lease === undefined) return;
    leadsUntilMs = Number.NEGATIVE_INFINITY;
    try {
      await replaceObject(client, LEASES, objectName, leaseOf(lease, ''), AbortSignal.timeout(retryMs));
    } catch {
      // it runs out by itself
    }
  }

  return {
    get isLeader() {
      return isLeader();
    },
    get lastTurnMs() {
      return lastTurnMs;
    },
    async run(lead, signal) {
      while (!signal.aborted) {
        if (await claimed(signal)) {
          log.info('this replica leads', { name });
          const term = new AbortController();
          const ended = lead(term.signal).catch((error: unknown) => {
            log.error('leading ended with an error', { name, reason: error instanceof Error ? error.message : String(error) });
          }).finally(() => term.abort());
          while (!signal.aborted && !term.signal.aborted && isLeader()) {
            // A renewal may take until the lease's time is over, and no longer.
            await pause(retryMs, AbortSignal.any([signal, term.signal]));
            if (!signal.aborted && !term.signal.aborted && isLeader()) await claimed(AbortSignal.any([signal, AbortSignal.timeout(Math.max(1, Math.floor(leadsUntilMs - now())))]));
          }
          if (!signal.aborted) log.warn('this replica leads no longer', { name });
          term.abort();
          await ended;
          await release();
        }
        await pause(retryMs * (1 + 0.2 * Math.random()), signal);
      }
    },
  };
}
