// §2: killed anywhere, a publisher leaves nothing that a reader would take for a model; and sealing again works.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createLocalKey, openLocalKey } from '../../../core/keys/local-file.ts';
import { loadFiles } from '../../../core/opening/load-files.ts';
import { openModel } from '../../../core/opening/open-model.ts';
import { NOWHERE } from '../../../core/opening/plaintext-target.ts';
import { FileReader } from '../../../core/stores/file-reader.ts';

jest.setTimeout(120_000); // some twenty processes on a busy machine

const { signal } = new AbortController();
/** Three files, then manifest, envelope, version, latest.json. */
const CALLS = 7;
let place: string;

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'killed-'));
  await mkdir(join(place, 'model'));
  for (const name of ['a', 'b', 'c']) await writeFile(join(place, 'model', name), name.repeat(100_000));
  await createLocalKey(join(place, 'key'));
});
afterAll(async () => {
  await rm(place, { recursive: true });
});

const words = (store: string, ...more: readonly string[]): string[] => ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'dies-at.ts'), join(place, 'model'), join(place, store), join(place, 'key'), ...more];
const die = (store: string, at: number, when: string): NodeJS.Signals | null => spawnSync(process.execPath, words(store, String(at), when)).signal;
const seal = (store: string): { calls: number; digest: string; sequence: number } => JSON.parse(execFileSync(process.execPath, words(store)).toString()) as { calls: number; digest: string; sequence: number };

/** What somebody finds who reads the store by the model's name, or by the digest of one of its versions. */
async function read(store: string, digest?: string): Promise<number> {
  const key = await openLocalKey(join(place, 'key'));
  const reader = new FileReader(join(place, store));
  try {
    using model = await openModel({ name: 'acme/m', content: 'Digest', files: { include: [], exclude: [] }, now: () => Date.now() / 1000, ...(digest === undefined ? {} : { digest }) }, reader, [{ key, context: {} }], signal);
    await loadFiles(model, reader, NOWHERE, { content: 'Digest', connections: 2, observer: { verified: () => {}, fileDone: () => {}, retrying: () => {} } }, signal);
    return model.manifest.sequence;
  } finally {
    key.close();
    reader.close();
  }
}

const versions = async (store: string): Promise<readonly string[]> => (await readdir(join(place, store, 'versions')).catch(() => [])).map((name) => name.slice(0, 64));

const moments = Array.from({ length: CALLS }, (_, i) => [[i + 1, 'before'], [i + 1, 'after']] as const).flat();

describe('a publisher killed', () => {
  test('talks to the store as often as the moments below assume', () => {
    expect(seal('counted').calls).toBe(CALLS);
  });

  test.each(moments)('at call %i, %s it, leaves no model or a whole one', async (at, when) => {
    const store = `first-${at}-${when}`;
    expect(die(store, at, when)).toBe('SIGKILL');
    // Only once latest.json is written is there something to be found by name.
    if (at === CALLS && when === 'after') expect(await read(store)).toBe(1);
    else await expect(read(store)).rejects.toMatchObject({ code: 'E_STORE_NOT_FOUND' });
    // Whatever stands under versions/ is complete.
    for (const digest of await versions(store)) expect(await read(store, digest)).toBe(1);

    const { sequence, digest } = seal(store);
    expect(sequence).toBe(at === CALLS && when === 'after' ? 2 : 1);
    expect(await read(store)).toBe(sequence);
    expect(await read(store, digest)).toBe(sequence);
  });

  test.each([[2, 'after'], [5, 'after'], [CALLS, 'before']] as const)('while it publishes a second version (call %i, %s) harms the first in nothing', async (at, when) => {
    const store = `second-${at}-${when}`;
    const first = seal(store);
    expect(die(store, at, when)).toBe('SIGKILL');
    expect(await read(store)).toBe(1);
    expect(await read(store, first.digest)).toBe(1);
    expect(seal(store).sequence).toBe(2);
    expect(await read(store, first.digest)).toBe(1);
  });
});
