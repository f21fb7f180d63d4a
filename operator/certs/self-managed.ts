// Certificates that the operator makes itself: a CA in one named Secret, which the chart creates empty, and a leaf that each replica signs for
// itself and holds in memory alone. The CA is replaced at two thirds of its life; the bundle is the new one and the one before.
import type { Logger } from '../../core/log.ts';
import type { CertificateSource } from './certificate-source.ts';

/** The CA Secret's `data`, decoded: `tls.crt`, `tls.key`, `previous.crt`; all absent in the Secret that the chart creates. */
export interface CaSecret {
  readonly resourceVersion: string;
  readonly data: Readonly<Record<string, Buffer>>;
}

/** What this source needs of the API server; operator/kube answers it. Each call has its own deadline and obeys `signal`. */
export interface CaKeeper {
  /** undefined: there is no such Secret (the chart creates it; this program may not). */
  readSecret(signal: AbortSignal): Promise<CaSecret | undefined>;
  /** Replaces `data`; false where somebody else wrote since `resourceVersion`. */
  writeSecret(secret: CaSecret, signal: AbortSignal): Promise<boolean>;
  /** Server-side apply (field manager `weightlock-ca`) of `clientConfig.caBundle`, PEM, to every entry of our webhook configuration by name. */
  applyBundle(bundle: string, signal: AbortSignal): Promise<void>;
}

export interface SelfManagedOptions {
  readonly keeper: CaKeeper;
  /** Names in the leaf: `weightlock-webhook.<namespace>.svc`, … */
  readonly dnsNames: readonly string[];
  /** Whether this replica holds the lease: only then it writes the Secret and the bundle. */
  readonly isLeader: () => boolean;
  readonly log: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface SelfManaged extends CertificateSource {
  /** Resolves when a leaf is there whose CA stands in the Secret and, where this replica leads, in the webhook configuration. Rejects with the signal's reason. */
  ready(signal: AbortSignal): Promise<void>;
  readonly isReady: boolean;
  /** Looks after CA, leaf and bundle until `signal` aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

export declare function selfManaged(options: SelfManagedOptions): SelfManaged;
