// What Weightlock asks of a key service: wrap a DEK, unwrap a DEK, both under the full context (format.md §3, §6).
import type { SecretBytes } from '../secret-bytes.ts';

export type ProviderName = 'aws-kms' | 'local-file';

/** Every pair the wrap is bound to: the three reserved `weightlock:` pairs and the publisher's own. */
export type WrapContext = ReadonlyMap<string, string>;

export interface Unwrapped {
  readonly dek: SecretBytes;
  /** The service's own id of the call, to join with its audit log; null where there is none. */
  readonly requestId: string | null;
}

/**
 * One KEK at one service. Throws E_KMS_DENIED, E_KMS_NOT_FOUND, E_KMS_KEY_STATE, E_KMS_CONTEXT, E_WRAP_MALFORMED, E_CREDENTIALS (try another
 * wrap), E_KMS_THROTTLED, E_KMS_UNAVAILABLE (try the same again), E_ENDPOINT_REFUSED. It makes one attempt a call: the caller holds the
 * budget and the back-off (core/keys/unwrap.ts). `close` releases sockets.
 */
export interface KeyProvider {
  readonly provider: ProviderName;
  /** Byte-equal to the `key` member of the wraps it serves: what is sent to the service. */
  readonly key: string;
  wrap(dek: SecretBytes, context: WrapContext, signal: AbortSignal): Promise<Buffer>;
  unwrap(wrapped: Buffer, context: WrapContext, signal: AbortSignal): Promise<Unwrapped>;
  close(): void;
}

/** One entry of a reader's allow-list or of a publisher's recipients, as configured (product.md: `keys:`). */
export type KeyEntry = (
  | { readonly awsKms: { readonly keyArn: string; readonly region?: string; readonly endpoint?: string } }
  | { readonly localFile: { readonly id?: string; readonly path: string } }
) & { readonly context?: Readonly<Record<string, string>> };
