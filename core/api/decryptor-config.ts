// The decryptor's configuration, `weightlock.decryptor/1.0`: closed, without secrets, at most 32 KiB. Admission writes it; init-decryptor reads it.
import type { CredentialSource } from '../aws/credential-source.ts';
import type { KeyEntry } from '../keys/provider.ts';

export const DECRYPTOR_SCHEMA = 'weightlock.decryptor/1.0';
export const CONFIG_LIMIT_BYTES = 32 * 1024;

export interface S3Source {
  readonly bucket: string;
  readonly prefix: string;
  readonly region?: string;
  /** An origin, `https://host[:port]` or `http://…` where allowedEndpoints lists it. Absent: AWS's own for the region. */
  readonly endpoint?: string;
  readonly pathStyle?: boolean;
}
export type ModelSource = { readonly s3: S3Source } | { readonly file: { readonly path: string } };

export interface DecryptorConfig {
  readonly schema: typeof DECRYPTOR_SCHEMA;
  /** The EncryptedModel this came from, for messages; absent where there is no Kubernetes. */
  readonly resource?: { readonly namespace: string; readonly name: string };
  readonly source: ModelSource;
  /** The reader's allow-list, tried in this order. */
  readonly keys: readonly KeyEntry[];
  /** What the sealed manifest must say it is. */
  readonly model: { readonly name: string; readonly version: string };
  /** Pins. `digest` = `sha256:` + hex of the manifest object; `lineage` = commitment, hex. `bytes`, `files`: what is selected. */
  readonly manifest: { readonly digest: string; readonly lineage: string; readonly bytes: number; readonly files: number };
  readonly verify: { readonly content: 'Digest' | 'Aead' };
  readonly files: { readonly include: readonly string[]; readonly exclude: readonly string[] };
  readonly credentials: CredentialSource;
  /** Origins outside the providers' own domain suffixes to which credentials may go; `http://` only when listed. */
  readonly allowedEndpoints: readonly string[];
  readonly swap: 'Refuse' | 'Warn' | 'Allow';
  /**
   * A volume's root that we own: receives .staging, model/, .ready. `reuse`: a restart may keep a complete model/ of the same digest and
   * patterns; true only where no other container ever mounts the volume writable (format.md §8).
   */
  readonly target: { readonly path: string; readonly requireTmpfs: boolean; readonly reuse: boolean };
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}
