// Certificates that the operator makes itself: a CA in one named Secret, which the chart creates empty, and a leaf that each replica signs for
// itself and holds in memory alone. The CA is replaced at two thirds of its life; the bundle is the new one and the one before, so that a leaf
// of either is trusted until it is due itself.
import type { Logger } from '../../core/log.ts';
import { pauseMs } from '../kube/backoff.ts';
import { pause } from '../kube/pause.ts';
import { type CaData, isDue, makeAuthority, readAuthority, storeAuthority, type StoredAuthority } from './authority.ts';
import type { CertificateSource, ServingCertificate } from './certificate-source.ts';
import { fingerprint, type Leaf, signLeaf } from './leaf.ts';

export interface CaSecret {
  readonly resourceVersion: string;
  readonly data: CaData;
}

/** What this source needs of the API server. Each call has its own deadline and obeys `signal`. */
export interface CaKeeper {
  /** undefined: there is no such Secret (the chart creates it; this program may not). */
  readSecret(signal: AbortSignal): Promise<CaSecret | undefined>;
  /** Replaces `data`; false where somebody else wrote since `resourceVersion`. */
  writeSecret(secret: CaSecret, signal: AbortSignal): Promise<boolean>;
  /** Makes every entry of our webhook configuration trust `bundle`, PEM. */
  applyBundle(bundle: string, signal: AbortSignal): Promise<void>;
}

export interface SelfManagedOptions {
  readonly keeper: CaKeeper;
  /** Names in the leaf: `weightlock.<namespace>.svc`, … */
  readonly dnsNames: readonly string[];
  /** Whether this replica holds the lease: only then it writes the Secret and the bundle. */
  readonly isLeader: () => boolean;
  readonly log: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface SelfManaged extends CertificateSource {
  /** There is a leaf that is valid now. Whether the API server trusts it yet stands in the webhook configuration. */
  readonly isReady: boolean;
  /** Resolves when `isReady`; rejects with the signal's reason. */
  ready(signal: AbortSignal): Promise<void>;
  /** One look: what is missing, due or damaged is made anew. Rejects where the API server could not be asked; the leaf at hand stays. */
  look(signal: AbortSignal): Promise<void>;
  /** Looks again and again until `signal` aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

const UNREADY_MS = 1_000;
const READY_MS = 60_000; // repairs an edited or emptied Secret or bundle within a minute
const FAILING = { firstMs: 1_000, capMs: 30_000 };

export function selfManaged(options: SelfManagedOptions): SelfManaged {
  const { keeper, dnsNames, isLeader, log, now } = options;
  const listeners = new Set<(certificate: ServingCertificate) => void>();
  const waiting = new Set<() => void>();
  let leaf: Leaf | undefined;
  let trusted = false;

  const isReady = (): boolean => leaf !== undefined && leaf.notAfter.getTime() > now();
  /** Nothing to do before the next regular look. A replica that comes to lead has: its bundle may be the one that is missing. */
  const isSettled = (): boolean => isReady() && (trusted || !isLeader());

  async function look(signal: AbortSignal): Promise<void> {
    const secret = await keeper.readSecret(signal);
    if (secret === undefined) throw new Error("the CA's Secret is not there; apply the chart again: the operator may not create Secrets");
    const stored = await readAuthority(secret.data, now());
    const kept = isLeader() ? await replaceIfDue(secret, stored, signal) : stored;
    if (kept.kind !== 'usable') return; // the lease holder makes it, or somebody else just did: seen at the next look
    const bundle = [kept.authority.certificate, ...(kept.previous === undefined ? [] : [kept.previous])];
    const known = await Promise.all(bundle.map(fingerprint));
    if (leaf === undefined || isDue(leaf, now()) || !known.includes(leaf.issuer)) {
      const next = await signLeaf(kept.authority, dnsNames, now());
      leaf = next;
      log.info('signed a serving certificate', { digest: next.issuer });
      for (const listener of listeners) listener(next);
    }
    if (isLeader()) {
      await keeper.applyBundle(bundle.map((certificate) => `${certificate.toString('pem')}\n`).join(''), signal);
      trusted = true;
    }
    if (isReady()) for (const resolve of waiting) resolve();
  }

  /** What is kept after this: the same, or a new authority where there was none that can be used, or where its time has come. */
  async function replaceIfDue(secret: CaSecret, stored: StoredAuthority, signal: AbortSignal): Promise<StoredAuthority> {
    if (stored.kind === 'usable' && !isDue(stored.authority.certificate, now())) return stored;
    if (stored.kind === 'unusable') log.warn(`the CA's Secret holds nothing usable, a new CA is made: ${stored.why}`);
    const authority = await makeAuthority(now());
    const previous = stored.kind === 'usable' ? stored.authority.certificate : undefined;
    const written = await keeper.writeSecret({ resourceVersion: secret.resourceVersion, data: storeAuthority(authority, previous) }, signal);
    if (!written) return { kind: 'empty' };
    log.info('made a certificate authority', { digest: await fingerprint(authority.certificate) });
    return { kind: 'usable', authority, previous };
  }

  async function rest(signal: AbortSignal): Promise<void> {
    for (let waitedMs = 0; waitedMs < READY_MS && !signal.aborted; waitedMs += UNREADY_MS) {
      await pause(UNREADY_MS, signal);
      if (!isSettled()) return;
    }
  }

  return {
    current() {
      if (leaf === undefined) throw new Error('there is no serving certificate yet');
      return leaf;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    get isReady() {
      return isReady();
    },
    async ready(signal) {
      if (isReady()) return;
      const { promise, resolve, reject } = Promise.withResolvers<undefined>();
      const done = (): void => {
        resolve(undefined);
      };
      const abort = (): void => {
        reject(signal.reason as Error);
      };
      waiting.add(done);
      signal.addEventListener('abort', abort, { once: true });
      try {
        signal.throwIfAborted();
        await promise;
      } finally {
        waiting.delete(done);
        signal.removeEventListener('abort', abort);
      }
    },
    look,
    async run(signal) {
      let failures = 0;
      while (!signal.aborted) {
        try {
          await look(signal);
          failures = 0;
        } catch (error) {
          if (signal.aborted) return;
          failures += 1;
          log.warn(`certificates could not be looked after: ${error instanceof Error ? error.message : String(error)}`, { attempt: failures });
        }
        if (failures > 0) await pause(pauseMs(FAILING, failures), signal);
        else await rest(signal);
      }
    },
  };
}
