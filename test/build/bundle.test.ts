// What the programs weigh and hold once bundled: read off esbuild's own output and by running them outside the repository.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PROGRAMS, bundle } from '../../build/bundle.ts';
import type { Bundle, Program } from '../../build/bundle.ts';
import { VERSION } from '../../core/version.ts';

const bundles = new Map<Program, Bundle>();
const work = mkdtempSync(join(tmpdir(), 'weightlock-bundle-'));
beforeAll(async () => {
  for (const program of PROGRAMS) bundles.set(program, await bundle(program, join(work, program)));
}, 60_000);
afterAll(() => rmSync(work, { recursive: true, force: true }));

function of(program: Program): Bundle {
  const found = bundles.get(program);
  if (found === undefined) throw new Error(`no bundle of ${program}`);
  return found;
}
const text = ({ folder }: Bundle): string =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');

describe('bundles', () => {
  test('are the same bytes each time', async () => {
    const again = await bundle('init-decryptor', join(work, 'again'));
    execFileSync('diff', ['-r', of('init-decryptor').folder, again.folder]);
  });

  test('carry the version, and no source maps', () => {
    expect(execFileSync(process.execPath, [of('cli').main, '--version'], { encoding: 'utf8', cwd: work, env: {} })).toContain(VERSION);
    for (const program of PROGRAMS) expect(text(of(program))).not.toContain('sourceMappingURL=');
  });

  test('need nothing but Node: every module they name is Node’s or their own', () => {
    for (const program of PROGRAMS) {
      const named = [...text(of(program)).matchAll(/(?:^|[;}\n])import(?:[^'"();]*from)?\s*"([^"]+)"/g)].map((found) => found[1] ?? '');
      expect(named.length).toBeGreaterThan(0);
      expect(named.filter((name) => !/^(node:|\.\/)/.test(name) && !isBuiltin(name))).toEqual([]);
    }
  });

  test('of the decryptor and the CLI hold no Kubernetes client', () => {
    const mark = 'KubeConfig';
    expect(text(of('operator'))).toContain(mark);
    for (const program of ['cli', 'init-decryptor'] as const) expect(text(of(program))).not.toContain(mark);
  });

  test('load the AWS SDK when it is first needed, not at start', () => {
    expect(of('cli').startBytes).toBeLessThan(of('cli').bytes / 3);
  });

  test('do not follow an environment variable to native code', () => {
    for (const program of PROGRAMS) expect(text(of(program))).not.toContain('NAPI_RS_NATIVE_LIBRARY_PATH');
  });

  test('of a decryptor without its configuration says so and exits as a usage or local error', () => {
    const { status, stderr, stdout } = spawnSync(process.execPath, [of('init-decryptor').main], {
      encoding: 'utf8',
      cwd: work,
      env: {},
      timeout: 20_000,
    });
    expect([2, 70]).toContain(status);
    expect(stderr + stdout).toContain('WEIGHTLOCK_CONFIG');
  });
});

function isBuiltin(name: string): boolean {
  return process.getBuiltinModule(name) !== undefined;
}
