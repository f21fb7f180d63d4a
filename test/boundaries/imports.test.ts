// Who may know whom (docs/architecture.md): programs -> core, core -> nothing of ours, and the edges of the process in their few files.
import { basename } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { sources } from './sources.ts';

const PROGRAMS = ['cli', 'init-decryptor', 'operator'];
const PRODUCT = ['core', ...PROGRAMS];

/** Offending files with what offends; empty when the rule holds. */
function offences(of: (source: (typeof sources)[number]) => readonly string[]): string[] {
  return sources.flatMap((source) => of(source).map((what) => `${source.path}: ${what}`));
}

describe('imports', () => {
  test('were found: a pattern that matches nothing proves nothing', () => {
    for (const part of PRODUCT) expect(sources.filter((source) => source.part === part && source.imports.length > 0).length).toBeGreaterThan(3);
    expect(sources.flatMap(({ packages }) => packages)).toContain('@kubernetes/client-node');
  });

  test('of core stay within core (and package.json, for the version)', () => {
    expect(
      offences(({ part, imports }) => (part === 'core' ? imports.filter((path) => !path.startsWith('core/') && path !== 'package.json') : [])),
    ).toEqual([]);
  });

  test('of a program reach its own folder and core, never another program, a test or a build step', () => {
    expect(
      offences(({ part, imports }) =>
        PROGRAMS.includes(part) ? imports.filter((path) => !path.startsWith('core/') && !path.startsWith(`${part}/`)) : [],
      ),
    ).toEqual([]);
  });

  test('of the Kubernetes client are the operator’s alone: it costs half a second and 90 MB', () => {
    expect(offences(({ part, packages }) => (part === 'operator' ? [] : packages.filter((name) => name.startsWith('@kubernetes/'))))).toEqual([]);
  });

  test('name their files in full', () => {
    expect(offences(({ imports }) => imports.filter((path) => !/\.(ts|json|js)$/.test(path)))).toEqual([]);
  });
});

describe('the edges of the process', () => {
  test('the environment is read by config.ts alone; handing all of it on to a child is not reading it', () => {
    expect(
      offences(({ path, code }) => (basename(path) !== 'config.ts' && /(?<!\{ \.\.\.)\bprocess\.env\b/.test(code) ? ['process.env'] : [])),
    ).toEqual([]);
  });

  test('core reads no environment at all', () => {
    expect(offences(({ part, code }) => (part === 'core' && /\bprocess\.env\b/.test(code) ? ['process.env'] : []))).toEqual([]);
  });

  test('only main.ts ends the process or sets its exit status', () => {
    expect(
      offences(({ path, code }) =>
        basename(path) !== 'main.ts' && /\bprocess\.(exit|abort|reallyExit|exitCode\s*=)/.test(code) ? ['process.exit'] : [],
      ),
    ).toEqual([]);
  });
});
