import { describe, expect, test } from '@jest/globals';
import { assert, constantFrom, property, string } from 'fast-check';
import { OUTCOME_LIMIT_BYTES, type Outcome } from '../../../core/api/outcome.ts';
import { readOutcome } from '../../../operator/reconcile/read-outcome.ts';

const loaded: Outcome = {
  schema: 'weightlock.outcome/1.0', model: 'acme/llama@7', mode: 'load', code: null, message: 'the model is verified and in place',
  digest: `sha256:${'a'.repeat(64)}`, lineage: 'b'.repeat(64), key: { provider: 'aws-kms', id: 'arn:aws:kms:eu-west-1:111122223333:key/k' },
  kmsRequestId: 'r-1', unwrappedAt: '2026-11-23T02:00:00.123Z', files: 3, bytes: 91_000_000, milliseconds: 4200, attempts: 1,
};

describe('an outcome', () => {
  test('is read as the decryptor writes it', () => {
    expect(readOutcome(JSON.stringify(loaded))).toEqual(loaded);
    const failed = { ...loaded, code: 'E_KMS_DENIED', key: null, kmsRequestId: null, unwrappedAt: null, files: 0, bytes: 0 };
    expect(readOutcome(JSON.stringify(failed))).toEqual(failed);
  });

  const forged: Record<string, unknown> = {
    'another schema': { ...loaded, schema: 'weightlock.outcome/2.0' },
    'a code that does not exist': { ...loaded, code: 'E_ALL_IS_WELL' },
    "a code that is a member of every object's prototype": { ...loaded, code: 'toString' },
    'a member too many': { ...loaded, note: 'trust me' },
    'a member missing': { ...loaded, attempts: undefined },
    'a negative number of bytes': { ...loaded, bytes: -1 },
    'a fraction of a file': { ...loaded, files: 1.5 },
    'an instant that is none': { ...loaded, unwrappedAt: '2026-99-99T99:99:99Z' },
    'a key without provider': { ...loaded, key: { id: 'k' } },
    'a list': [loaded],
    'more than its limit': { ...loaded, message: 'x'.repeat(OUTCOME_LIMIT_BYTES) },
  };
  test.each(Object.entries(forged))('with %s is none', (_what, value) => {
    expect(readOutcome(JSON.stringify(value))).toBeUndefined();
  });

  test('is not to be had from duplicate keys', () => {
    expect(readOutcome(JSON.stringify(loaded).replace('"files":3', '"files":3,"files":4'))).toBeUndefined();
  });

  test('never throws, whatever the text', () => {
    assert(property(string({ unit: 'binary' }), (text) => readOutcome(text) === undefined));
    assert(property(constantFrom(...JSON.stringify(loaded).split('').keys()), (at) => readOutcome(JSON.stringify(loaded).slice(0, at)) === undefined));
  });
});
