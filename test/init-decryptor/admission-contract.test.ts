// What admission writes, the decryptor accepts: every configuration of admission's own fixtures.
import { readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { CONFIG_VARIABLE } from '../../core/api/names.ts';
import { parseDecryptorConfig } from '../../init-decryptor/config-schema.ts';
import { FIXTURES, readFixture } from '../core/injection/fixture.ts';

interface Injected {
  readonly spec: { readonly initContainers?: readonly { readonly env?: readonly { readonly name: string; readonly value?: unknown }[] }[] };
}

const injected = readdirSync(FIXTURES, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name).filter((name) => readFixture(name).denied === undefined);

describe('the configuration that admission writes for the pod of the fixture', () => {
  test.each(injected)('%s', (name) => {
    const { spec } = readFixture(name).expected as Injected;
    const values = (spec.initContainers ?? []).flatMap(({ env = [] }) => env.filter((variable) => variable.name === CONFIG_VARIABLE).map(({ value }) => value));
    expect(values.length).toBeGreaterThan(0);
    for (const value of values) expect(parseDecryptorConfig(Buffer.from(JSON.stringify(value)), CONFIG_VARIABLE)).toEqual(value);
  });
});
