import { describe, expect, test } from '@jest/globals';
import { readFailure } from '../../../core/aws/failure.ts';
import { readS3ErrorBody, type S3Call, s3Error } from '../../../core/aws/s3-errors.ts';

const GET: S3Call = { action: 's3:GetObject', what: 's3://models/a/objects/o', at: 'https://minio.example' };
const PUT: S3Call = { ...GET, action: 's3:PutObject' };
const code = (name: string, status: number, call = GET): string => s3Error({ kind: 'answer', name, status, words: '', requestId: null }, call).code;

describe('an S3 server\'s word', () => {
  test.each([
    ['NoSuchKey', 404, 'E_STORE_NOT_FOUND'], ['NoSuchBucket', 404, 'E_STORE_NOT_FOUND'], ['NotFound', 404, 'E_STORE_NOT_FOUND'], ['Unheard', 404, 'E_STORE_NOT_FOUND'],
    ['AccessDenied', 403, 'E_STORE_DENIED'], ['Unheard', 403, 'E_STORE_DENIED'], ['Unheard', 400, 'E_STORE_DENIED'], ['KMS.DisabledException', 400, 'E_STORE_DENIED'],
    ['InvalidAccessKeyId', 403, 'E_CREDENTIALS'], ['SignatureDoesNotMatch', 403, 'E_CREDENTIALS'], ['ExpiredToken', 400, 'E_CREDENTIALS'], ['RequestTimeTooSkewed', 403, 'E_CREDENTIALS'],
    ['AuthorizationHeaderMalformed', 400, 'E_CREDENTIALS'], ['XAdminUserNotFound', 404, 'E_CREDENTIALS'],
    ['InvalidRange', 416, 'E_STORE_RANGE'], ['Unheard', 416, 'E_STORE_RANGE'],
    ['SlowDown', 503, 'E_STORE_THROTTLED'], ['SlowDown', 200, 'E_STORE_THROTTLED'], ['Unheard', 429, 'E_STORE_THROTTLED'],
    ['ServiceUnavailable', 503, 'E_STORE_UNAVAILABLE'], ['InternalError', 500, 'E_STORE_UNAVAILABLE'], ['RequestTimeout', 400, 'E_STORE_UNAVAILABLE'], ['Unheard', 502, 'E_STORE_UNAVAILABLE'],
    ['PermanentRedirect', 301, 'E_ENDPOINT_REFUSED'], ['TemporaryRedirect', 307, 'E_ENDPOINT_REFUSED'], ['Unheard', 302, 'E_ENDPOINT_REFUSED'],
    ['NotImplemented', 501, 'E_STORE_DENIED'],
  ])('%s with HTTP %d: %s', (name, status, expected) => expect(code(name, status)).toBe(expected));

  test('a condition that did not hold means a change to a reader and a conflict to a publisher', () => {
    expect([code('PreconditionFailed', 412), code('PreconditionFailed', 412, PUT)]).toEqual(['E_STORE_CHANGED', 'E_STORE_CONFLICT']);
    expect(code('ConditionalRequestConflict', 409, PUT)).toBe('E_STORE_CONFLICT');
  });

  test('no answer may be asked for again', () => expect(s3Error({ kind: 'transport', words: 'ECONNREFUSED' }, GET).code).toBe('E_STORE_UNAVAILABLE'));

  test('the message names the object, the action and the server\'s own words; the next step is never empty', () => {
    const error = s3Error({ kind: 'answer', name: 'AccessDenied', status: 403, words: 'User is not authorized', requestId: 'R1' }, GET);
    for (const part of [GET.what, GET.action, 'AccessDenied', 'HTTP 403', 'R1', 'User is not authorized']) expect(error.message).toContain(part);
    expect(error.next).toContain('s3:GetObject');
  });
});

describe('an error document', () => {
  test('is read for its code and message', () => expect(readS3ErrorBody('<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>gone</Message></Error>')).toEqual({ name: 'NoSuchKey', words: 'gone' }));
  test('is printable, whatever stands in it', () =>
    expect(readS3ErrorBody('<Code>No\u001b[2JSuch</Code><Message>all is well\nforged: line</Message>')).toEqual({ name: 'No [2JSuch', words: 'all is well forged: line' }));
  test.each(['', '<html>Bad gateway</html>', '<Code></Code>', `<Code>${'x'.repeat(1000)}</Code>`, '<Code>a<b>'])('that isn\'t one (%j) has neither', (text) => expect(readS3ErrorBody(text)).toEqual({ name: '', words: '' }));
});

test('a server\'s words are printable and bounded before they reach a log', () => {
  const failure = readFailure(Object.assign(new Error(`evil\u001b[31m\n${'x'.repeat(10_000)}`), { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } }));
  expect(failure.kind === 'answer' && /^[\x20-\x7e]{1,300}$/.test(failure.words)).toBe(true);
});
