// Where AWS credentials come from. In pods the source is named by admission, never a default chain (product.md).

export type CredentialSource =
  /** A Secret mounted as files into our container alone: accessKeyId, secretAccessKey, optional sessionToken. */
  | { readonly kind: 'files'; readonly directory: string }
  /** A projected service account token exchanged at STS. */
  | { readonly kind: 'webIdentity'; readonly roleArn: string; readonly tokenFile: string; readonly stsEndpoint?: string }
  /** EKS Pod Identity: AWS_CONTAINER_CREDENTIALS_FULL_URI and its token file, as admission copied them. */
  | { readonly kind: 'container'; readonly uri: string; readonly tokenFile: string }
  /** The node's own role; only with access.instanceRole: true. */
  | { readonly kind: 'instanceRole' }
  /** Unsigned requests. */
  | { readonly kind: 'anonymous' }
  /** The SDK's default chain: the CLI's alone, which says what it took. */
  | { readonly kind: 'default' };
