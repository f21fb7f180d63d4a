import { readFileSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { WeightlockError } from '../../core/errors.ts';
import { encodeOutcome, writeOutcome } from '../../init-decryptor/outcome.ts';
import { newReport, outcomeOf } from '../../init-decryptor/report.ts';
import { scratch } from '../core/opening/scratch.ts';
import { CONFIG } from './a-config.ts';

const failed = (message: string): string =>
  encodeOutcome(outcomeOf('load', CONFIG, newReport(), new WeightlockError('E_KMS_DENIED', message, { next: 'Grant kms:Decrypt.' }), 12.3));

describe('an outcome', () => {
  test('of a success has no code and every member', () => {
    const unwrapped = { provider: 'aws-kms', key: 'arn:aws:kms:…', requestId: 'r-1', at: '2026-11-23T04:05:06Z' } as const;
    expect(JSON.parse(encodeOutcome(outcomeOf('load', CONFIG, { unwrapped, files: 42, bytes: 7, attempts: 2 }, null, 1234.5)))).toEqual({
      schema: 'weightlock.outcome/1.0', model: 'acme/llama-ft@2026.11.2', mode: 'load', code: null, message: 'the model is verified and in place',
      digest: CONFIG.manifest.digest, lineage: CONFIG.manifest.lineage, key: { provider: 'aws-kms', id: 'arn:aws:kms:…' }, kmsRequestId: 'r-1',
      unwrappedAt: '2026-11-23T04:05:06Z', files: 42, bytes: 7, milliseconds: 1235, attempts: 2,
    });
  });

  test('of a failure says what happened and the next step', () => {
    expect(JSON.parse(failed('the key service refused'))).toMatchObject({ code: 'E_KMS_DENIED', message: 'the key service refused. Grant kms:Decrypt.', key: null });
  });

  test.each(['a'.repeat(10_000), '"'.repeat(10_000), '😀'.repeat(5000), '\\'.repeat(10_000), 'é'.repeat(4096)])('never passes 4 KiB: the message is cut first, and stays text', (message) => {
    const text = failed(message);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4096);
    expect(Buffer.byteLength(text)).toBeGreaterThan(4080);
    const outcome = JSON.parse(text) as { message: string; digest: string };
    expect(outcome.digest).toBe(CONFIG.manifest.digest);
    expect(outcome.message.endsWith('…')).toBe(true);
    expect(message.startsWith(outcome.message.slice(0, -1))).toBe(true);
    expect(outcome.message.isWellFormed()).toBe(true);
  });

  test('carries no query of a URL: presigned requests have their signature there', () => {
    expect(failed('GET https://s3.example.com/b/o?X-Amz-Signature=abc failed')).not.toContain('abc');
  });

  test('goes into a file that is there, over what it held, and makes none', () => {
    using place = scratch();
    writeFileSync(join(place.path, 'log'), 'x'.repeat(5000));
    writeOutcome(join(place.path, 'log'), '{}');
    writeOutcome(join(place.path, 'none'), '{}');
    expect(readFileSync(join(place.path, 'log'), 'utf8')).toBe('{}');
    expect(existsSync(join(place.path, 'none'))).toBe(false);
  });
});
