// What AWS KMS (or a server that speaks its protocol) said, as our codes: which key, which action, which context, and what to do about it.
// Source of the names: AWS KMS API Reference, "Errors" of Decrypt, Encrypt and DescribeKey, and "Common Errors".
import { type ErrorCode, WeightlockError } from '../errors.ts';
import type { AwsFailure } from './failure.ts';

export interface KmsCall {
  readonly action: 'kms:Encrypt' | 'kms:Decrypt' | 'kms:DescribeKey';
  readonly key: string;
  /** Empty for DescribeKey. */
  readonly context: ReadonlyMap<string, string>;
  /** For transport failures: the configured endpoint, or AWS's own. */
  readonly at: string;
}

interface Meaning {
  readonly code: ErrorCode;
  readonly what: (call: KmsCall) => string;
  readonly next: (call: KmsCall) => string;
}

const pairsOf = (call: KmsCall): string => (call.context.size === 0 ? '' : ` with the encryption context ${JSON.stringify(Object.fromEntries(call.context))}`);

const DENIED: Meaning = {
  code: 'E_KMS_DENIED',
  what: (call) => `${call.action} on ${call.key} was denied${pairsOf(call)}`,
  next: (call) => `Allow ${call.action} on that ARN for this identity, in its IAM policy or in the key policy; conditions on kms:EncryptionContext must match the pairs above.`,
};
const NOT_FOUND: Meaning = {
  code: 'E_KMS_NOT_FOUND',
  what: (call) => `there is no key ${call.key} at ${call.at}`,
  next: () => 'Check account, region and key id of the ARN, and the KMS endpoint.',
};
const KEY_STATE: Meaning = {
  code: 'E_KMS_KEY_STATE',
  what: (call) => `the key ${call.key} cannot be used now: it is disabled, pending deletion or pending import`,
  next: (call) => `Look at its state (aws kms describe-key --key-id ${call.key}); enable it or cancel its deletion, or add a wrap under another key.`,
};
const KEY_USAGE: Meaning = {
  code: 'E_KMS_KEY_STATE',
  what: (call) => `the key ${call.key} is not a symmetric encryption key`,
  next: () => 'Use a key with KeySpec SYMMETRIC_DEFAULT and KeyUsage ENCRYPT_DECRYPT.',
};
const CONTEXT: Meaning = {
  code: 'E_KMS_CONTEXT',
  what: (call) => `${call.key} does not open this wrap${pairsOf(call)}: the wrapped key or one of these pairs is not what was sealed`,
  next: () => 'The envelope was changed after publishing, or belongs to another model; publish it again from the pinned model.',
};
const WRAP: Meaning = {
  code: 'E_WRAP_MALFORMED',
  what: (call) => `the wrap listed under ${call.key} was not made with that key, or is no KMS ciphertext`,
  next: () => 'The envelope was changed after publishing; publish it again from the pinned model.',
};
const THROTTLED: Meaning = {
  code: 'E_KMS_THROTTLED',
  what: (call) => `KMS throttled ${call.action} on ${call.key}`,
  next: () => 'It is tried again by itself; if it stays, raise the account\'s KMS request quota or start fewer pods at once.',
};
const UNAVAILABLE: Meaning = {
  code: 'E_KMS_UNAVAILABLE',
  what: (call) => `KMS at ${call.at} could not answer ${call.action} on ${call.key}`,
  next: () => 'It is tried again by itself; if it stays, check the service, the network policy and the endpoint (HTTP proxies are not used).',
};
const CREDENTIALS: Meaning = {
  code: 'E_CREDENTIALS',
  what: (call) => `KMS at ${call.at} did not accept our credentials for ${call.action} on ${call.key}`,
  next: () => 'Check that the access key exists, that the session has not expired, and that this machine\'s clock is right.',
};

const MEANINGS: ReadonlyMap<string, Meaning> = new Map([
  ['AccessDeniedException', DENIED], ['AccessDenied', DENIED], ['NotAuthorized', DENIED], ['OptInRequired', DENIED],
  ['NotFoundException', NOT_FOUND], ['InvalidArnException', NOT_FOUND], ['InvalidAliasNameException', NOT_FOUND],
  ['DisabledException', KEY_STATE], ['KMSInvalidStateException', KEY_STATE],
  ['InvalidKeyUsageException', KEY_USAGE],
  ['InvalidCiphertextException', CONTEXT],
  ['IncorrectKeyException', WRAP], ['ValidationException', WRAP], ['SerializationException', WRAP],
  ['ThrottlingException', THROTTLED], ['Throttling', THROTTLED], ['LimitExceededException', THROTTLED], ['TooManyRequestsException', THROTTLED], ['RequestLimitExceeded', THROTTLED],
  ['KeyUnavailableException', UNAVAILABLE], ['DependencyTimeoutException', UNAVAILABLE], ['KMSInternalException', UNAVAILABLE],
  ['InternalFailure', UNAVAILABLE], ['ServiceUnavailable', UNAVAILABLE], ['ServiceUnavailableException', UNAVAILABLE], ['RequestTimeout', UNAVAILABLE],
  ['ExpiredTokenException', CREDENTIALS], ['UnrecognizedClientException', CREDENTIALS], ['InvalidClientTokenId', CREDENTIALS], ['InvalidSignatureException', CREDENTIALS],
  ['SignatureDoesNotMatch', CREDENTIALS], ['IncompleteSignature', CREDENTIALS], ['MissingAuthenticationToken', CREDENTIALS], ['MissingAuthenticationTokenException', CREDENTIALS],
  ['RequestExpired', CREDENTIALS],
]);

/** For names we don't know: by HTTP status, and never as success. */
function meaningOfStatus(status: number): Meaning {
  if (status === 429) return THROTTLED;
  return status >= 500 ? UNAVAILABLE : DENIED;
}

export function kmsError(failure: Exclude<AwsFailure, { kind: 'ours' }>, call: KmsCall): WeightlockError {
  switch (failure.kind) {
    case 'transport': return tell(UNAVAILABLE, call, failure.words, failure);
    case 'answer': {
      const meaning = MEANINGS.get(failure.name) ?? meaningOfStatus(failure.status);
      const id = failure.requestId === null ? '' : `, request ${failure.requestId}`;
      return tell(meaning, call, `${failure.name}, HTTP ${failure.status}${id}: ${failure.words}`, failure);
    }
    default: return failure satisfies never;
  }
}

const tell = (meaning: Meaning, call: KmsCall, detail: string, cause: unknown): WeightlockError =>
  new WeightlockError(meaning.code, `${meaning.what(call)} (${detail})`, { next: meaning.next(call), cause });
