import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ERROR_CODES } from '../../core/errors.ts';
import { commandBlocks } from './command-blocks.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const DOCUMENTS = ['README.md', 'SECURITY.md', 'CHANGELOG.md', ...readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');

let disk = '';
let memory = '';
beforeAll(() => {
  disk = mkdtempSync('/tmp/weightlock-docs-');
  memory = mkdtempSync('/dev/shm/weightlock-docs-');
});
afterAll(() => {
  for (const folder of [disk, memory]) rmSync(folder, { recursive: true, force: true });
});

/** Runs one block as a reader would paste it, in folders of this test's own. Blocks of a document share the folders, not the shell. */
function paste(script: string): { readonly status: number | null; readonly output: string } {
  const here = script.replaceAll('/tmp/try', `${disk}/try`).replaceAll('/dev/shm/my-model', `${memory}/my-model`);
  const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', `PATH="${ROOT}/bin:$PATH"\n${here}`], { cwd: ROOT, encoding: 'utf8', timeout: 120_000 });
  return { status, output: `${stdout}${stderr}` };
}

describe.each(DOCUMENTS)('%s', (name) => {
  const blocks = commandBlocks(read(name));

  test('links only to files that are there', () => {
    const links = [...read(name).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/gu)].map((match) => match[1] ?? '');
    expect(links.filter((link) => !existsSync(resolve(ROOT, dirname(name), link)))).toEqual([]);
  });

  const shown = blocks.filter(({ proof }) => proof.kind !== 'cluster');
  if (shown.length > 0) {
    test('shows commands that do what it says, in order', () => {
      for (const { proof, script, line } of shown) {
        const { status, output } = paste(script);
        if (proof.kind === 'fails') {
          expect(`line ${line}: ${output}`).toContain(proof.code);
          expect({ line, failed: status !== 0 }).toEqual({ line, failed: true });
        } else expect({ line, status, output }).toEqual({ line, status: 0, output });
      }
    }, 240_000);
  }
});

test('operations.md explains every error code of the programs, and no other', () => {
  const explained = [...read('docs/operations.md').matchAll(/^#{3,4} (E_[A-Z_0-9]+)$/gmu)].map((match) => match[1] ?? '');
  expect(explained.toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted());
});
