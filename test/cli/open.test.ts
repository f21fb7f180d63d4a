// Opening, interrupted and in competition: the folder holds a whole model or none.
import { mkdtemp, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { ended, place, type Place, type Ran } from './weightlock.ts';

jest.setTimeout(120_000); // a gigabyte on a busy machine

let here: Place;
let memory: string;

beforeAll(async () => {
  here = await place();
  memory = await mkdtemp('/dev/shm/weightlock-open-');
  await here.run('init', 'try.key');
  await mkdir(here.path('model'));
  const file = await open(here.path('model/w'), 'w');
  await file.truncate(1024 * 2 ** 20);
  await file.close();
  await here.json('seal', 'model', `file://${memory}/store`, '--key', 'local-file:try.key', '--name', 'acme/m', '--version', '1', '--emit', 'model.yaml');
});
afterAll(async () => {
  await here[Symbol.asyncDispose]();
  await rm(memory, { recursive: true });
});

const words = (to: string): readonly string[] => ['open', 'model.yaml', '--to', `${memory}/${to}`, '--key', 'local-file:try.key'];

/** Starts opening and waits until plaintext is being written. */
async function begun(to: string): Promise<{ readonly kill: (signal: NodeJS.Signals) => void; readonly end: Promise<Ran> }> {
  const child = here.start(...words(to));
  child.stdin.end();
  const end = ended(child);
  await eventually('it writes', async () => (await readdir(`${memory}/${to}/.staging`).catch(() => [])).length > 0);
  return { kill: (signal) => void child.kill(signal), end };
}

test.each([['SIGINT', 130], ['SIGTERM', 143]] as const)('stopped by %s it ends with status %i and leaves no folder', async (signal, status) => {
  const { kill, end } = await begun(signal);
  kill(signal);
  expect(await end).toMatchObject({ status, stdout: '' });
  expect(await readdir(memory)).not.toContain(signal);
});

test('stopped twice, it ends at once and says that something may be left', async () => {
  const { kill, end } = await begun('twice');
  kill('SIGINT');
  kill('SIGTERM');
  expect(await end).toMatchObject({ stdout: '', stderr: expect.stringMatching(/stopped at once by a second SIG(INT|TERM): what was being written may still lie there\n/) });
});

test('a folder that it makes is for this account alone', async () => {
  const { kill, end } = await begun('private');
  expect((await stat(`${memory}/private`)).mode & 0o777).toBe(0o700);
  kill('SIGINT');
  await end;
});

test('killed, it leaves nothing under the final name, and opening again clears it away', async () => {
  const { kill, end } = await begun('killed');
  kill('SIGKILL');
  await end;
  expect(await readdir(`${memory}/killed`)).toEqual(['.staging']);
  expect(await here.json(...words('killed'))).toMatchObject({ files: 1 });
  expect((await readdir(`${memory}/killed`)).toSorted((a, b) => a.localeCompare(b))).toEqual(['.ready', 'model']);
  await rm(`${memory}/killed/model`, { recursive: true });
});

test('two into one folder: the second one is told so, the first one is not disturbed', async () => {
  const { end } = await begun('shared');
  expect(await here.run(...words('shared'))).toMatchObject({ status: 70, stdout: '', stderr: expect.stringContaining('E_TARGET_BUSY') });
  expect(await end).toMatchObject({ status: 0 });
  expect(await here.run(...words('shared'))).toMatchObject({ status: 70, stderr: expect.stringContaining('is not empty') });
});
