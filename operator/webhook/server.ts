// The webhook's HTTPS server: the only place that knows HTTP. Reads a bounded AdmissionReview, asks `core/injection`, answers.
import type { DenyReason, InjectionSettings, SkipReason } from '../../core/injection/decide.ts';
import type { CertificateSource } from '../certs/certificate-source.ts';
import type { ModelLookup } from '../kube/model-lookup.ts';
import type { Logger } from '../../core/log.ts';

/** One answered review, for metrics. */
export interface AdmissionOutcome {
  readonly result: 'inject' | 'unchanged' | 'skip' | 'deny' | 'fault';
  readonly reason: SkipReason | DenyReason | 'Lookup' | 'BadRequest' | 'Overload' | 'Internal' | '';
  readonly milliseconds: number;
}

export interface WebhookOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly certificates: CertificateSource;
  readonly lookup: ModelLookup;
  readonly settings: InjectionSettings;
  readonly log: Logger;
  /** Called once for each answer; must not throw. */
  readonly onOutcome: (outcome: AdmissionOutcome) => void;
  /** How long an answer may take, lookups included; below the 5 s of the webhook configuration. Default 4,000. */
  readonly reviewDeadlineMs?: number;
  /** Reviews worked on at once; more are answered 503. Default 256. */
  readonly maxConcurrent?: number;
}

export interface Webhook {
  readonly port: number;
  /**
   * Serves `lingerMs` more with `Connection: close` (the API server reuses connections and may not know yet that this endpoint is leaving),
   * then closes and resolves when the last answer is out. The caller fails its readiness first.
   */
  stop(lingerMs: number): Promise<void>;
}

/** Resolves when it listens. `certificates.current()` must be there already. */
export declare function startWebhook(options: WebhookOptions): Promise<Webhook>;
