// Sealing under load and interruption: memory, many files, several publishers, signals, a source that does not hold still.
import { appendFile, mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { ended, place, type Place } from './weightlock.ts';

jest.setTimeout(240_000); // gigabytes on a busy machine

const MIB = 2 ** 20;
let here: Place;
let memory: string;

beforeAll(async () => {
  here = await place();
  memory = await mkdtemp('/dev/shm/weightlock-seal-');
  await here.run('init', 'try.key');
});
afterAll(async () => {
  await here[Symbol.asyncDispose]();
  await rm(memory, { recursive: true });
});

/** A file of `bytes` that takes no room. */
async function sparse(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w');
  await file.truncate(bytes);
  await file.close();
}
const words = (folder: string, store: string): readonly string[] => ['seal', folder, `file://${memory}/${store}`, '--key', 'local-file:try.key', '--name', 'acme/m', '--version', '1'];
const files = async (folder: string): Promise<readonly string[]> => (await readdir(`${memory}/${folder}`, { recursive: true, withFileTypes: true }).catch(() => [])).filter((entry) => entry.isFile()).map((entry) => entry.name);

/** Largest resident set of the process so far, bytes; proc_pid_status(5). */
const highWater = (child: ChildProcessWithoutNullStreams): number => Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;

async function peakWhileSealing(bytes: number): Promise<number> {
  await mkdir(here.path(`of-${bytes}`));
  await sparse(here.path(`of-${bytes}/model.safetensors`), bytes);
  const child = here.start(...words(`of-${bytes}`, `store-${bytes}`));
  child.stdin.end();
  let peak = 0;
  const watch = setInterval(() => {
    try {
      peak = Math.max(peak, highWater(child));
    } catch {
      // it has ended: the last reading stands
    }
  }, 5);
  const { status, stderr } = await ended(child);
  clearInterval(watch);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  await rm(`${memory}/store-${bytes}`, { recursive: true });
  return peak;
}

describe('memory', () => {
  test('does not grow with the file: 2 GiB need what 128 MiB need', async () => {
    const small = await peakWhileSealing(128 * MIB);
    const large = await peakWhileSealing(2048 * MIB);
    expect(large / small).toBeLessThan(1.4);
  });
});

describe('many', () => {
  test('small files travel: 5,000 sealed, listed, verified', async () => {
    for (let i = 0; i < 50; i++) {
      await mkdir(here.path(`many/${i}`), { recursive: true });
      await Promise.all(Array.from({ length: 100 }, (_, j) => writeFile(here.path(`many/${i}/${j}.json`), `{"file": ${i * 100 + j}}`)));
    }
    const sealed = await here.json(...words('many', 'many'), '--emit', 'many.yaml');
    expect(sealed).toMatchObject({ totals: { files: 5000 } });
    expect(await here.json('verify', 'many.yaml', '--key', 'local-file:try.key')).toMatchObject({ files: 5000 });
    const listed = await here.json('ls', 'many.yaml', '--key', 'local-file:try.key');
    expect(listed['files']).toHaveLength(5000);
  });

  test('publishers at once all publish, one after the other', async () => {
    await mkdir(here.path('small'));
    await writeFile(here.path('small/w'), 'weights');
    const sealed = await Promise.all(Array.from({ length: 4 }, () => here.json(...words('small', 'race'))));
    const line = sealed.toSorted((a, b) => Number(a['sequence']) - Number(b['sequence']));
    expect(line.map((one) => one['sequence'])).toEqual([1, 2, 3, 4]);
    expect(line.map((one) => one['previous'])).toEqual([null, ...line.slice(0, 3).map((one) => one['digest'])]);
    for (const one of sealed) expect(await here.json('verify', `file://${memory}/race`, '--key', 'local-file:try.key', '--digest', String(one['digest']))).toMatchObject({ verified: true });
    expect(await here.json('ls', `file://${memory}/race`)).toHaveLength(4);
  });
});

/** Starts a sealing that takes long, and waits until it writes. */
async function begun(store: string): Promise<{ readonly child: ChildProcessWithoutNullStreams; readonly end: Promise<Awaited<ReturnType<typeof ended>>> }> {
  const child = here.start(...words('big', store));
  child.stdin.end();
  const end = ended(child);
  await eventually('it writes', async () => (await files(store)).length > 0);
  return { child, end };
}

describe('interrupted', () => {
  beforeAll(async () => {
    await mkdir(here.path('big'));
    await sparse(here.path('big/w'), 8192 * MIB);
    await writeFile(here.path('big/config.json'), '{}');
  });

  test.each([['SIGINT', 130], ['SIGTERM', 143]] as const)('by %s it ends with status %i, says so, and leaves nothing', async (signal, status) => {
    const { child, end } = await begun(signal);
    child.kill(signal);
    expect(await end).toMatchObject({ status, stdout: '', stderr: expect.stringContaining(`weightlock: stopped by ${signal}`) });
    expect(await files(signal)).toEqual([]);
  });

  test('by SIGKILL it leaves no version, and sealing again works', async () => {
    const { child, end } = await begun('killed');
    child.kill('SIGKILL');
    expect(await end).toMatchObject({ status: null, signal: 'SIGKILL' });
    expect(await here.json('ls', `file://${memory}/killed`)).toEqual([]);
    expect(await here.run('verify', `file://${memory}/killed`, '--key', 'local-file:try.key', '--name', 'acme/m')).toMatchObject({ status: 20, stderr: expect.stringContaining('E_STORE_NOT_FOUND') });
    await mkdir(here.path('again'));
    await writeFile(here.path('again/w'), 'weights');
    expect(await here.json(...words('again', 'killed'))).toMatchObject({ sequence: 1 });
    expect(await here.json('verify', `file://${memory}/killed`, '--key', 'local-file:try.key', '--name', 'acme/m')).toMatchObject({ verified: true });
    await rm(`${memory}/killed`, { recursive: true });
  });

  test('by a change of the source it ends with E_SOURCE_CHANGED and leaves nothing', async () => {
    const { end } = await begun('changed');
    await appendFile(here.path('big/w'), 'x');
    // The first file changes under the reader's hands; the reader notices at its end, so spare it the rest.
    const file = await open(here.path('big/w'), 'r+');
    await file.truncate(16 * MIB);
    await file.close();
    expect(await end).toMatchObject({ status: 20, stdout: '', stderr: expect.stringContaining('E_SOURCE_CHANGED: w changed while it was being sealed') });
    expect(await files('changed')).toEqual([]);
  });
});

test('a folder that leads out of itself is refused before anything is stored', async () => {
  await mkdir(here.path('leaky'));
  await writeFile(here.path('secret'), 'x');
  const { symlink } = await import('node:fs/promises');
  await symlink('../secret', here.path('leaky/w'));
  expect(await here.run(...words('leaky', 'leaky'))).toMatchObject({ status: 60, stderr: expect.stringContaining('E_PATH_LINK: w is a link that leads out of the folder') });
  expect(await files('leaky')).toEqual([]);
});

test('what does not travel is said', async () => {
  await mkdir(here.path('said/.git'), { recursive: true });
  await mkdir(here.path('said/empty'));
  await writeFile(here.path('said/.git/config'), 'x');
  await writeFile(here.path('said/run.sh'), 'x', { mode: 0o755 });
  const { stderr } = await here.run(...words('said', 'said'));
  expect(stderr).toContain('left out: .git\n');
  expect(stderr).toContain('not sealed, being empty: empty\n');
  expect(stderr).toContain('sealed as plain files, though executable or with special modes: run.sh\n');
});

test('progress is a line every few seconds where there is no terminal, and never on stdout', async () => {
  const { stdout, stderr } = await here.run(...words('said', 'quiet'));
  expect(stderr).toMatch(/^sealed \d+ B in 1 file, 0:0\d, 0\.00 GB\/s$/m);
  expect(stderr).not.toContain('\r');
  expect(stdout).toMatch(/^name {6}acme\/m\n/);
  expect((await readFile(`${memory}/quiet/latest.json`, 'utf8'))).toContain('"sequence":1');
});
