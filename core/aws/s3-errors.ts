// What an S3 server said, as our codes: which object, which action, and what to do about it. One table for the SDK's calls and for our own range reads.
// Source of the names: Amazon S3 API Reference, "Error responses".
import { type ErrorCode, WeightlockError } from '../errors.ts';
import { type AwsFailure, plainWords } from './failure.ts';

export interface S3Call {
  readonly action: 's3:GetObject' | 's3:PutObject' | 's3:DeleteObject' | 's3:ListBucket';
  /** `s3://bucket/key`. */
  readonly what: string;
  /** The endpoint's origin, or AWS's own. */
  readonly at: string;
}

interface Meaning {
  readonly code: ErrorCode;
  readonly words: (call: S3Call) => string;
  readonly next: (call: S3Call) => string;
}

const isRead = (call: S3Call): boolean => call.action === 's3:GetObject' || call.action === 's3:ListBucket';

const NOT_FOUND: Meaning = {
  code: 'E_STORE_NOT_FOUND',
  words: (call) => `there is no ${call.what} at ${call.at}`,
  next: () => 'Check bucket, prefix and digest; a version that was pruned must be published again.',
};
const DENIED: Meaning = {
  code: 'E_STORE_DENIED',
  words: (call) => `${call.action} on ${call.what} was refused`,
  next: (call) => `Allow ${call.action} on it for this identity (and kms:Decrypt or kms:GenerateDataKey where the bucket uses SSE-KMS)${call.action === 's3:GetObject' ? '; without s3:ListBucket S3 answers so for a missing object too' : ''}.`,
};
const CREDENTIALS: Meaning = {
  code: 'E_CREDENTIALS',
  words: (call) => `${call.at} did not accept our credentials for ${call.what}`,
  next: () => 'Check that the access key exists, that the session has not expired, that the region is right and that this machine\'s clock is.',
};
const PRECONDITION_READ: Meaning = {
  code: 'E_STORE_CHANGED',
  words: (call) => `${call.what} was replaced while it was being read`,
  next: () => 'Stored objects never change: somebody wrote over this one. Look at the bucket\'s access log, then publish again.',
};
const PRECONDITION_WRITE: Meaning = {
  code: 'E_STORE_CONFLICT',
  words: (call) => `${call.what} is not as it was expected to be: another publisher was faster, or it exists already`,
  next: () => 'Nothing was changed. Publish again.',
};
const RANGE: Meaning = {
  code: 'E_STORE_RANGE',
  words: (call) => `${call.what} does not have the bytes that were asked for`,
  next: () => 'The object is shorter than its header says: publish it again.',
};
const THROTTLED: Meaning = {
  code: 'E_STORE_THROTTLED',
  words: (call) => `${call.at} throttled ${call.action} on ${call.what}`,
  next: () => 'It is tried again by itself; if it stays, spread the load or start fewer pods at once.',
};
const UNAVAILABLE: Meaning = {
  code: 'E_STORE_UNAVAILABLE',
  words: (call) => `${call.at} could not complete ${call.action} on ${call.what}`,
  next: () => 'It is tried again by itself; if it stays, check the service, the network policy and the endpoint (HTTP proxies are not used).',
};
const ELSEWHERE: Meaning = {
  code: 'E_ENDPOINT_REFUSED',
  words: (call) => `${call.at} sends ${call.what} elsewhere; redirects are not followed`,
  next: () => 'Set the bucket\'s own region (aws s3api get-bucket-location), or the endpoint that serves it.',
};
const UNSUPPORTED: Meaning = {
  code: 'E_STORE_DENIED',
  words: (call) => `${call.at} does not offer what ${call.action} on ${call.what} needs`,
  next: () => 'Use a store that implements this part of the S3 API.',
};

const MEANINGS: ReadonlyMap<string, Meaning> = new Map([
  ['NoSuchKey', NOT_FOUND], ['NoSuchBucket', NOT_FOUND], ['NotFound', NOT_FOUND], ['NoSuchVersion', NOT_FOUND],
  ['AccessDenied', DENIED], ['AllAccessDisabled', DENIED], ['AccountProblem', DENIED], ['Forbidden', DENIED],
  ['InvalidAccessKeyId', CREDENTIALS], ['SignatureDoesNotMatch', CREDENTIALS], ['ExpiredToken', CREDENTIALS], ['InvalidToken', CREDENTIALS], ['TokenRefreshRequired', CREDENTIALS],
  ['RequestTimeTooSkewed', CREDENTIALS], ['AuthorizationHeaderMalformed', CREDENTIALS], ['AuthorizationQueryParametersError', CREDENTIALS], ['MissingSecurityHeader', CREDENTIALS],
  ['XAdminUserNotFound', CREDENTIALS], // versitygw's word for an unknown access key, with status 404
  ['InvalidRange', RANGE],
  ['SlowDown', THROTTLED], ['Throttling', THROTTLED], ['ThrottlingException', THROTTLED], ['TooManyRequests', THROTTLED], ['RequestLimitExceeded', THROTTLED], ['BandwidthLimitExceeded', THROTTLED],
  ['InternalError', UNAVAILABLE], ['ServiceUnavailable', UNAVAILABLE], ['RequestTimeout', UNAVAILABLE],
  ['PermanentRedirect', ELSEWHERE], ['TemporaryRedirect', ELSEWHERE], ['Redirect', ELSEWHERE], ['IllegalLocationConstraintException', ELSEWHERE],
  ['NotImplemented', UNSUPPORTED],
]);

function meaningOf(name: string, status: number, call: S3Call): Meaning {
  if (name === 'PreconditionFailed' || name === 'ConditionalRequestConflict' || status === 412 || status === 409) return isRead(call) ? PRECONDITION_READ : PRECONDITION_WRITE;
  const named = MEANINGS.get(name);
  if (named !== undefined) return named;
  if (status === 404) return NOT_FOUND;
  if (status === 416) return RANGE;
  if (status === 429) return THROTTLED;
  if (status === 501) return UNSUPPORTED;
  if (status >= 500) return UNAVAILABLE;
  return status >= 300 && status < 400 ? ELSEWHERE : DENIED;
}

export function s3Error(failure: Exclude<AwsFailure, { kind: 'ours' }>, call: S3Call): WeightlockError {
  const tell = (meaning: Meaning, detail: string): WeightlockError =>
    new WeightlockError(meaning.code, `${meaning.words(call)} (${detail})`, { next: meaning.next(call), cause: failure });
  switch (failure.kind) {
    case 'transport': return tell(UNAVAILABLE, failure.words);
    case 'answer': {
      const id = failure.requestId === null ? '' : `, request ${failure.requestId}`;
      return tell(meaningOf(failure.name, failure.status, call), `${failure.name}, HTTP ${failure.status}${id}${failure.words === '' ? '' : `: ${failure.words}`}`);
    }
    default: return failure satisfies never;
  }
}

/** The error document of an S3 answer (`<Error><Code>…</Code><Message>…</Message>…`), as far as it can be read; the status speaks where it can't. */
export function readS3ErrorBody(body: string): { readonly name: string; readonly words: string } {
  const element = (tag: string): string => plainWords(new RegExp(`<${tag}>([^<]{1,300})</${tag}>`).exec(body)?.[1] ?? '');
  return { name: element('Code'), words: element('Message') };
}
