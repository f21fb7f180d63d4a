// docs/format.md says what the code does: its codes are the code's, its worked examples come out.
import { createCipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { canonicalContext, encryptionContext } from '../../../core/envelope/context.ts';
import { ERROR_CODES } from '../../../core/errors.ts';
import { COMMITMENT, ENVELOPE_ID, plaintext, run, sealKnown } from './known.ts';

const document = readFileSync('docs/format.md', 'utf8');

describe('docs/format.md', () => {
  test('lists every code, once, under its class and exit status', () => {
    const rows = [...document.matchAll(/^\| (\w+) \| (\d+) \| (E_.*) \|$/gm)].flatMap(([, errorClass, exit, codes = '']) =>
      [...codes.matchAll(/E_\w+/g)].map(([code]) => [code, { class: errorClass, exit: Number(exit) }] as const));
    const facts = Object.entries(ERROR_CODES).map(([code, { class: errorClass, exit }]) => [code, { class: errorClass, exit }]);
    expect(rows.length).toBe(facts.length);
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(facts));
  });

  test('shows the object that comes out of the fixed inputs', async () => {
    const shown = /```object\n([0-9a-f\n]+)```/.exec(document)?.[1]?.replaceAll('\n', '');
    expect((await sealKnown(plaintext(3), 2 ** 20)).object.toString('hex')).toBe(shown);
  });

  test('shows the wrap that comes out of the fixed inputs', () => {
    const context = encryptionContext({ envelopeId: ENVELOPE_ID, commitment: COMMITMENT }, new Map([['tenant', 'acme']]));
    const cipher = createCipheriv('aes-256-gcm', run(0x20, 32), run(0xc0, 12)).setAAD(canonicalContext(context));
    const wrapped = Buffer.concat([run(0xc0, 12), cipher.update(run(0, 32)), cipher.final(), cipher.getAuthTag()]).toString('hex');
    expect(document).toContain(wrapped);
  });
});
