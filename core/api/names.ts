// Every name that other programs see: labels, annotations, field managers, reserved prefixes. Nothing else spells them.

export const API_GROUP = 'weightlock.dev';
export const API_VERSION = 'v1alpha1';
export const KIND = 'EncryptedModel';
export const PLURAL = 'encryptedmodels';

/** Opt-in label: admission selects on its existence; only "true" and "false" are values. */
export const INJECT_LABEL = 'weightlock.dev/inject';
export const ANNOTATION_PREFIX = 'weightlock.dev/';

export const ANNOTATION = {
  models: 'weightlock.dev/models',
  containers: 'weightlock.dev/containers',
  writable: 'weightlock.dev/writable',
  memoryMode: 'weightlock.dev/memory-mode',
  decryptorResources: 'weightlock.dev/decryptor-resources',
  initOrder: 'weightlock.dev/init-order',
  logLevel: 'weightlock.dev/log-level',
  /** Written by admission: the version of Weightlock that injected the pod. */
  injected: 'weightlock.dev/injected',
} as const;

/** On an EncryptedModel, written by `seal --emit`: the sequence of its manifest, from which `seal --previous` counts on. */
export const SEQUENCE_ANNOTATION = 'weightlock.dev/sequence';

/** Pod label per injected model: `model.weightlock.dev/<name>: <12 hex of the digest>`. A hint for people, not evidence. */
export const MODEL_LABEL_PREFIX = 'model.weightlock.dev/';

/** Names of containers and volumes that start with this belong to Weightlock. */
export const RESERVED_PREFIX = 'weightlock-';
export const PLACEHOLDER_CONFIG_MAP = 'weightlock-was-not-injected';
export const VOLUME_MODEL_FOLDER = 'model';

export const CONFIG_VARIABLE = 'WEIGHTLOCK_CONFIG';
export const TERMINATION_LOG = '/dev/termination-log';

export const FIELD_MANAGER = { status: 'weightlock-status', caBundle: 'weightlock-ca' } as const;
export const WEBHOOK_CONFIGURATION = 'weightlock';
export const EVENT_CONTROLLER = 'weightlock.dev/operator';

export const containerNameOf = (model: string): string => `${RESERVED_PREFIX}${model}`;
