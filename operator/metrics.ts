// The figures of /metrics, in the format of Prometheus. docs/operations.md says how each is read.
import { X509Certificate } from 'node:crypto';
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import { ERROR_CODES } from '../core/errors.ts';
import type { StoreReader } from './kube/store.ts';
import type { Load } from './reconcile/load.ts';
import type { ObservedPod } from './reconcile/pod.ts';
import type { StoredModel } from './reconcile/reconcile-model.ts';
import type { AdmissionOutcome } from './webhook/server.ts';

export interface Observed {
  readonly models: StoreReader<StoredModel>;
  readonly pods: StoreReader<ObservedPod>;
  readonly queueDepth: () => number;
  /** PEM of the certificate served now; undefined before the first. */
  readonly certificate: () => string | undefined;
}

export interface Metrics {
  admission(outcome: AdmissionOutcome): void;
  reconcile(result: 'ok' | 'error', milliseconds: number): void;
  /** A decryptor that ended. */
  load(load: Load): void;
  /** The whole page. */
  page(): Promise<{ readonly contentType: string; readonly text: string }>;
}

const ADMISSION_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]; // 5 s: the webhook's timeout
const RECONCILE_BUCKETS_S = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10]; // 10 s: its deadline

export function createMetrics(observed: Observed): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const admissions = new Counter({ name: 'weightlock_admission_reviews_total', help: 'Pods looked at by the webhook, by what was answered and why.', labelNames: ['result', 'reason'], registers });
  const admissionTime = new Histogram({ name: 'weightlock_admission_duration_seconds', help: 'From the last byte of a review to its answer.', buckets: ADMISSION_BUCKETS_S, registers });
  const reconciles = new Counter({ name: 'weightlock_reconciles_total', help: 'Looks at a model, by how they ended.', labelNames: ['result'], registers });
  const reconcileTime = new Histogram({ name: 'weightlock_reconcile_duration_seconds', help: 'Duration of one look at a model.', buckets: RECONCILE_BUCKETS_S, registers });
  const loads = new Counter({ name: 'weightlock_loads_total', help: 'Decryptors that ended, as their pods report: OK, an error code, or Other where none was left.', labelNames: ['code'], registers });
  gauge('weightlock_queue_depth', 'Models waiting to be looked at.', [], (set) => set({}, observed.queueDepth()));
  gauge('weightlock_models', 'EncryptedModels, by each condition.', ['condition', 'status'], (set) => {
    const counts = new Map<string, { condition: string; status: string; count: number }>();
    for (const { status: { conditions = [] } = {} } of observed.models.values()) {
      for (const { type: condition, status } of conditions) {
        const entry = counts.get(`${condition} ${status}`) ?? { condition, status, count: 0 };
        entry.count += 1;
        counts.set(`${condition} ${status}`, entry);
      }
    }
    for (const { count, ...labels } of counts.values()) set(labels, count);
  });
  gauge('weightlock_pods', 'Models in pods that run or will, by how far they are.', ['phase'], (set) => {
    const counts: Record<Load['phase'], number> = { Loading: 0, Ready: 0, Failed: 0 };
    for (const { ended, loads } of observed.pods.values()) if (!ended) for (const { phase } of loads) counts[phase] += 1;
    for (const [phase, count] of Object.entries(counts)) set({ phase }, count);
  });
  gauge('weightlock_certificate_expiry_timestamp_seconds', "End of the webhook's serving certificate, Unix time.", [], (set) => {
    const certificate = observed.certificate();
    if (certificate !== undefined) set({}, Math.floor(Date.parse(new X509Certificate(certificate).validTo) / 1000));
  });

  /** One that is counted when it is asked for. */
  function gauge(name: string, help: string, labelNames: readonly string[], collect: (set: (labels: Record<string, string>, value: number) => void) => void): Gauge {
    return new Gauge({
      name, help, labelNames: [...labelNames], registers,
      collect() {
        this.reset();
        collect((labels, value) => this.set(labels, value));
      },
    });
  }

  return {
    admission({ result, reason, milliseconds }) {
      admissions.inc({ result, reason });
      admissionTime.observe(milliseconds / 1000);
    },
    reconcile(result, milliseconds) {
      reconciles.inc({ result });
      reconcileTime.observe(milliseconds / 1000);
    },
    load({ failure }) {
      // The kubelet's reasons are many and foreign: as labels they would be series without end.
      loads.inc({ code: failure === undefined ? 'OK' : Object.hasOwn(ERROR_CODES, failure.code) ? failure.code : 'Other' });
    },
    page: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

/** Decryptors of `after` that ended since `before`. */
export function endedLoads(before: ObservedPod | undefined, after: ObservedPod): readonly Load[] {
  return after.loads.filter(({ container, phase, since, waiting }) => {
    if (phase === 'Loading' || waiting) return false;
    const earlier = before?.loads.find((load) => load.container === container);
    return earlier?.phase === 'Loading' || earlier?.since !== since;
  });
}
