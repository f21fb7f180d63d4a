import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { TYPES_FILE, typesFromCrd } from './types-from-crd.ts';

describe('the types of EncryptedModel', () => {
  test('are what the CRD says (else: node test/crds/write-types.ts)', async () => {
    expect(await readFile(TYPES_FILE, 'utf8')).toBe(await typesFromCrd());
  });
});
