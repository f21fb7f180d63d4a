// What this installation is told through its environment (the chart's Deployment writes it), checked before anything starts.
import { parseOrigin } from '../core/aws/endpoints.ts';
import { needs, WeightlockError } from '../core/errors.ts';
import type { LogLevel } from '../core/log.ts';

export interface OperatorConfig {
  /** WEIGHTLOCK_NAMESPACE: where this operator runs and keeps its Lease and its Secret. */
  readonly namespace: string;
  /** WEIGHTLOCK_POD_NAME: who holds the lease and who reports an Event. */
  readonly podName: string;
  /** WEIGHTLOCK_DECRYPTOR_IMAGE, by digest: what is injected, and whose reports are read. */
  readonly decryptorImage: string;
  /** WEIGHTLOCK_ALLOWED_ENDPOINTS, a JSON list of origins; absent: none. */
  readonly allowedEndpoints: readonly string[];
  /** WEIGHTLOCK_LOG_LEVEL; absent: info. */
  readonly logLevel: LogLevel;
  /** WEIGHTLOCK_WEBHOOK_PORT; absent: 9443. */
  readonly webhookPort: number;
  /** WEIGHTLOCK_METRICS_PORT of /metrics, /healthz and /readyz; absent: 8080. */
  readonly metricsPort: number;
  /** KUBECONFIG; absent: the pod's service account. */
  readonly kubeconfig: string | undefined;
}

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const POD_NAME = /^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/;
const IMAGE_BY_DIGEST = /^[^\s@]+@sha256:[0-9a-f]{64}$/;
const LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error'] satisfies readonly LogLevel[];

/** Throws E_CONFIG, which names the variable and what it must be. */
export function readConfig(environment: Readonly<Record<string, string | undefined>> = process.env): OperatorConfig {
  const matching = (name: string, pattern: RegExp, what: string): string => {
    const value = environment[name] ?? '';
    needs(pattern.test(value), 'E_CONFIG', `${name} must be ${what}, it is ${value === '' ? 'empty' : JSON.stringify(value)}`, `Set ${name}; the chart does.`);
    return value;
  };
  const port = (name: string, absent: number): number => {
    const text = environment[name] ?? String(absent);
    const value = Number(text);
    needs(/^[0-9]{1,5}$/.test(text) && value <= 65535, 'E_CONFIG', `${name} must be a port number, it is ${JSON.stringify(text)}`, 'Use a number from 1 to 65535 (0: any free one).');
    return value;
  };
  const logLevel = environment['WEIGHTLOCK_LOG_LEVEL'] ?? 'info';
  needs(LEVELS.includes(logLevel), 'E_CONFIG', `WEIGHTLOCK_LOG_LEVEL must be one of ${LEVELS.join(', ')}, it is ${JSON.stringify(logLevel)}`, "Set the chart's logLevel.");
  return {
    namespace: matching('WEIGHTLOCK_NAMESPACE', DNS_LABEL, 'the name of the namespace this runs in'),
    podName: matching('WEIGHTLOCK_POD_NAME', POD_NAME, 'the name of the pod this runs in'),
    decryptorImage: matching('WEIGHTLOCK_DECRYPTOR_IMAGE', IMAGE_BY_DIGEST, "the decryptor's image by digest, name@sha256:…"),
    allowedEndpoints: readOrigins('WEIGHTLOCK_ALLOWED_ENDPOINTS', environment['WEIGHTLOCK_ALLOWED_ENDPOINTS'] ?? '[]'),
    logLevel: logLevel as LogLevel,
    webhookPort: port('WEIGHTLOCK_WEBHOOK_PORT', 9443),
    metricsPort: port('WEIGHTLOCK_METRICS_PORT', 8080),
    kubeconfig: environment['KUBECONFIG'],
  };
}

/** Origins in the form that URLs are compared in, so that `https://S3.example:443/` allows `https://s3.example`. */
function readOrigins(name: string, text: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(text);
    if (!Array.isArray(list) || !list.every((item) => typeof item === 'string')) throw new TypeError('not a list of strings');
    return list.map((item) => parseOrigin(item).origin);
  } catch (cause) {
    throw new WeightlockError('E_CONFIG', `${name} must be a JSON list of origins, it is ${JSON.stringify(text)}: ${cause instanceof Error ? cause.message : ''}`, {
      next: 'Write it as ["https://s3.example:9000"].',
      cause,
    });
  }
}
