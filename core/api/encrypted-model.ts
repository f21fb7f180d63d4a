// The EncryptedModel as the API server holds it.
// Made from crds/encryptedmodels.yaml by `node test/crds/write-types.ts`: change the schema, not this file.

/**
 * A sealed model that pods of this namespace may ask for. One object per version; where it lies and what it is never change.
 */
export interface EncryptedModel {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    creationTimestamp?: string;
    deletionTimestamp?: string;
    labels?: {
      [k: string]: string;
    };
    annotations?: {
      [k: string]: string;
    };
  };
  spec: EncryptedModelSpec;
  status?: EncryptedModelStatus;
}
export interface EncryptedModelSpec {
  /**
   * Where the sealed objects lie. Exactly one member.
   */
  source: {
    /**
     * A prefix in a bucket of S3 or of a store that speaks its protocol.
     */
    s3?: {
      bucket: string;
      /**
       * The folder that holds versions/, envelopes/ and objects/; no slash at either end. Empty for the bucket's root.
       */
      prefix: string;
      region?: string;
      /**
       * An origin, https://host[:port]; http:// only where the installation lists it. Absent, AWS's own for the region.
       */
      endpoint?: string;
      /**
       * The bucket stands in the path, not in the host name.
       */
      pathStyle?: boolean;
    };
  };
  /**
   * The reader's allow-list of key encryption keys, tried in this order.
   */
  keys: {
    awsKms?: {
      /**
       * The key's full ARN, never an alias.
       */
      keyArn: string;
      region?: string;
      /**
       * An origin, https://host[:port]; http:// only where the installation lists it. Absent, AWS's own for the region.
       */
      endpoint?: string;
    };
    /**
     * Pairs that a wrap must carry, beside the three reserved ones (docs/format.md §6).
     */
    context?: {
      [k: string]: string;
    };
  }[];
  /**
   * What the sealed manifest must say it is.
   */
  model: {
    name: string;
    version: string;
  };
  /**
   * Pins. No reader accepts other bytes.
   */
  manifest: {
    /**
     * SHA-256 of the sealed manifest object.
     */
    digest: string;
    /**
     * The commitment to the data encryption key, hex.
     */
    lineage: string;
    /**
     * Plaintext bytes of the files that are selected.
     */
    bytes: number;
    /**
     * Number of files that are selected.
     */
    files: number;
  };
  verify?: {
    /**
     * Digest (default): every range of plaintext must have the digest that the manifest names. Aead: authenticated decryption alone.
     */
    content?: 'Digest' | 'Aead';
  };
  /**
   * Which files are loaded: globs on the path, * within a component, ** across; a pattern without / is matched against the base name; exclude wins.
   */
  files?: {
    include?: string[];
    exclude?: string[];
  };
  /**
   * Who may have this model decrypted, and with whose credentials.
   */
  access?: {
    /**
     * The only accounts under which admission lets this model be decrypted. Absent, any of the namespace.
     */
    serviceAccountNames?: string[];
    /**
     * Assumed with a token of the pod's account that our container alone sees.
     */
    awsRoleArn?: string;
    /**
     * A Secret of this namespace with accessKeyId, secretAccessKey and perhaps sessionToken; our container alone mounts it.
     */
    secretRef?: {
      name: string;
    };
    /**
     * Use the node's own role.
     */
    instanceRole?: boolean;
  };
  memory?: {
    /**
     * Init: an init container decrypts before the pod's own containers start.
     */
    mode?: 'Init';
    /**
     * What to do where the node could swap the model out. Refuse is the default.
     */
    swap?: 'Refuse' | 'Warn' | 'Allow';
    /**
     * Memory of the decryptor itself, beside the model. 268435456 is the default; below the minimum its own check refuses to load.
     */
    overheadBytes?: number;
  };
}
export interface EncryptedModelStatus {
  conditions?: {
    type: string;
    status: 'True' | 'False' | 'Unknown';
    reason: string;
    message: string;
    lastTransitionTime: string;
    observedGeneration?: number;
  }[];
  /**
   * The key that the last successful load used, as its container reported it.
   */
  key?: {
    provider?: string;
    id?: string;
    lastUnwrap?: string;
  };
  /**
   * Pods that carry this model, by how far they are.
   */
  consumers?: {
    ready?: number;
    loading?: number;
    failed?: number;
  };
  /**
   * At most 50 of them, those in trouble first. A report of the pods' own containers, not evidence.
   */
  pods?: {
    name: string;
    node?: string;
    phase?: 'Loading' | 'Ready' | 'Failed';
    bytes?: number;
    seconds?: number;
    /**
     * Error code of a load that failed (docs/operations.md).
     */
    code?: string;
    since?: string;
  }[];
}
