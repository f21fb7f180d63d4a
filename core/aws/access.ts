// With which rights, and where to, requests of the S3 store and the KMS provider go. Made once by a program from its configuration.
import type { CredentialSource } from './credential-source.ts';

export interface AwsAccess {
  readonly credentials: CredentialSource;
  /**
   * Origins (`https://host[:port]`, `http://host:port`) outside the provider's own domains to which credentials may go (product.md). The CLI adds the
   * endpoints that a person typed on its command line, never those it read from a model's file.
   */
  readonly allowedEndpoints: readonly string[];
  /** PEM of certificate authorities trusted in place of the system's. */
  readonly caPem?: string;
}
