// The whole way on one machine: a local key, a folder as the store, memory as the target.
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { place, type Place } from './weightlock.ts';

jest.setTimeout(60_000); // many processes on a busy machine

let here: Place;
let memory: string;
const weights = randomBytes(3 * 2 ** 20 + 17);
const digestPattern = /^sha256:[0-9a-f]{64}$/;

beforeAll(async () => {
  here = await place();
  memory = await mkdtemp('/dev/shm/weightlock-cli-');
  await mkdir(here.path('model/sub'), { recursive: true });
  await writeFile(here.path('model/model.safetensors'), weights);
  await writeFile(here.path('model/config.json'), '{"a": 1}\n');
  await writeFile(here.path('model/sub/empty'), '');
  await writeFile(here.path('model/sub/тест 模型 🦙.json'), '{}');
  expect(await here.run('init', 'try.key')).toMatchObject({ status: 0 });
});
afterAll(async () => {
  await here[Symbol.asyncDispose]();
  await rm(memory, { recursive: true });
});

const url = (name: string): string => `file://${here.path(name)}`;
const seal = (store: string, ...more: readonly string[]) => here.json('seal', 'model', url(store), '--key', 'local-file:try.key', '--name', 'acme/m', '--version', '1.10', ...more);

describe('init', () => {
  test('makes a key for its owner alone, never over another file', async () => {
    expect((await stat(here.path('try.key'))).mode & 0o777).toBe(0o600);
    const before = await readFile(here.path('try.key'), 'utf8');
    expect(before).toMatch(/^WEIGHTLOCK-LOCAL-KEY-1 [A-Za-z0-9+/]{43}=\n$/);
    expect(await here.run('init', 'try.key')).toMatchObject({ status: 70, stdout: '', stderr: expect.stringContaining('E_TARGET_BUSY') });
    expect(await readFile(here.path('try.key'), 'utf8')).toBe(before);
  });

  test('without a path puts it where configuration lies', async () => {
    const { path, key } = await here.json('init');
    expect(path).toBe(here.path('.config/weightlock/local.key'));
    expect(key).toBe(`local-file:${here.path('.config/weightlock/local.key')}`);
  });
});

describe('seal, then read', () => {
  let sealed: Record<string, unknown>;
  beforeAll(async () => {
    sealed = await seal('sealed', '--emit', 'model.yaml');
  });

  test('says what was published', () => {
    expect(sealed).toEqual({
      model: { name: 'acme/m', version: '1.10' }, sequence: 1, previous: null, created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      digest: expect.stringMatching(digestPattern), lineage: expect.stringMatching(/^[0-9a-f]{64}$/), envelopeId: expect.stringMatching(/^[0-9a-f]{32}$/),
      totals: { files: 4, bytes: weights.length + 11 }, source: { file: { path: here.path('sealed') } }, emitted: 'model.yaml',
    });
  });

  test('leaves only what the format names in the store, and neither file names nor content', async () => {
    const names = (await readdir(here.path('sealed'), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => entry.name);
    expect(names).toHaveLength(4 + 1 + 3);
    for (const name of names) expect(name).toMatch(/^([0-9a-f]{32}|[0-9a-f]{32}\.json|[0-9a-f]{64}\.json|latest\.json)$/);
    const needle = weights.subarray(0, 16);
    for (const name of await readdir(here.path('sealed/objects'))) expect((await readFile(here.path(`sealed/objects/${name}`))).includes(needle)).toBe(false);
  });

  test('inspect shows it without a key, and says that nothing is proven', async () => {
    expect(await here.json('inspect', url('sealed'))).toMatchObject({ verified: false, digest: sealed['digest'], lineage: sealed['lineage'], latest: { sequence: 1 }, wraps: [{ provider: 'local-file', context: {} }] });
    expect((await here.run('inspect', 'model.yaml')).stderr).toContain('UNVERIFIED');
  });

  test('ls lists versions, and with a key the files', async () => {
    expect(await here.json('ls', url('sealed'))).toMatchObject([{ digest: sealed['digest'], latest: true, totals: { files: 4 }, damaged: null }]);
    const { stdout } = await here.run('ls', 'model.yaml', '--key', 'local-file:try.key');
    expect(stdout).toBe(`      9  config.json\n${weights.length}  model.safetensors\n      0  sub/empty\n      2  sub/тест 模型 🦙.json\n`);
  });

  test('verify reads everything and writes nothing', async () => {
    const before = await readdir(here.folder);
    expect(await here.json('verify', 'model.yaml', '--key', 'local-file:try.key')).toMatchObject({ verified: true, files: 4, bytes: weights.length + 11, pinnedBy: 'digest', digest: sealed['digest'], sequence: 1 });
    expect(await readdir(here.folder)).toEqual(before);
  });

  test('open gives the same bytes, read-only, in memory', async () => {
    const { path } = await here.json('open', 'model.yaml', '--to', `${memory}/opened`, '--key', 'local-file:try.key');
    expect(path).toBe(`${memory}/opened/model`);
    expect((await readFile(`${String(path)}/model.safetensors`)).equals(weights)).toBe(true);
    expect(await readFile(`${String(path)}/sub/тест 模型 🦙.json`, 'utf8')).toBe('{}');
    expect((await stat(`${String(path)}/model.safetensors`)).mode & 0o777).toBe(0o444);
    expect(await readFile(`${String(path)}/sub/empty`, 'utf8')).toBe('');
  });

  test('open refuses a folder that holds something, and a disk unless told', async () => {
    await mkdir(`${memory}/busy`);
    await writeFile(`${memory}/busy/mine`, 'x');
    expect(await here.run('open', 'model.yaml', '--to', `${memory}/busy`, '--key', 'local-file:try.key')).toMatchObject({ status: 70, stderr: expect.stringContaining('E_TARGET_BUSY') });
    const disk = ['open', 'model.yaml', '--to', 'on-disk', '--key', 'local-file:try.key'] as const;
    expect(await here.run(...disk)).toMatchObject({ status: 70, stderr: expect.stringContaining('E_NOT_TMPFS') });
    expect(await readdir(here.folder)).not.toContain('on-disk');
    expect(await here.run(...disk, '--allow-disk')).toMatchObject({ status: 0, stderr: expect.stringContaining('lies on a disk') });
    expect((await readFile(here.path('on-disk/model/model.safetensors'))).equals(weights)).toBe(true);
  });

  test('a reader without a pin is refused; a name vouches, and what it does not cover is said', async () => {
    const verify = ['verify', url('sealed'), '--key', 'local-file:try.key'] as const;
    expect(await here.run(...verify)).toMatchObject({ status: 10, stderr: expect.stringContaining('E_POLICY_IDENTITY_REQUIRED') });
    expect(await here.run(...verify, '--name', 'acme/m')).toMatchObject({ status: 0, stderr: expect.stringContaining('only the name "acme/m" vouches') });
    const pinned = await here.run(...verify, '--digest', String(sealed['digest']));
    expect(pinned.status).toBe(0);
    expect(pinned.stderr).not.toContain('vouches');
    expect(await here.run(...verify, '--name', 'acme/other')).toMatchObject({ status: 10, stderr: expect.stringContaining('E_IDENTITY_MISMATCH') });
    expect(await here.run(...verify, '--lineage', 'f'.repeat(64))).toMatchObject({ status: 10, stderr: expect.stringContaining('E_LINEAGE_MISMATCH') });
  });

  test('patterns choose files for pods, and the reader is held to their sums', async () => {
    await seal('selected', '--emit', 'selected.yaml', '--include', '*.json', '--exclude', 'sub/**');
    expect(await here.json('verify', 'selected.yaml', '--key', 'local-file:try.key')).toMatchObject({ files: 1, bytes: 9 });
    expect(await here.json('verify', url('selected'), '--key', 'local-file:try.key', '--name', 'acme/m', '--include', 'sub/*')).toMatchObject({ files: 2, bytes: 2 });
    const wrong = (await readFile(here.path('selected.yaml'), 'utf8')).replace('bytes: 9', 'bytes: 10');
    await writeFile(here.path('wrong.yaml'), wrong);
    expect(await here.run('verify', 'wrong.yaml', '--key', 'local-file:try.key')).toMatchObject({ status: 50, stderr: expect.stringContaining('E_TOTALS') });
  });

  test('a flipped byte is refused by verify, and open leaves nothing', async () => {
    await seal('flipped', '--emit', 'flipped.yaml');
    const objects = await readdir(here.path('flipped/objects'));
    const sizes = await Promise.all(objects.map(async (name) => (await stat(here.path(`flipped/objects/${name}`))).size));
    const largest = here.path(`flipped/objects/${objects[sizes.indexOf(Math.max(...sizes))] ?? ''}`);
    const bytes = await readFile(largest);
    bytes.writeUInt8(bytes.readUInt8(2_000_000) ^ 1, 2_000_000);
    await writeFile(largest, bytes);
    expect(await here.run('verify', 'flipped.yaml', '--key', 'local-file:try.key')).toMatchObject({ status: 50, stdout: '', stderr: expect.stringContaining('E_SEGMENT_AUTH') });
    expect(await here.run('open', 'flipped.yaml', '--to', `${memory}/flipped`, '--key', 'local-file:try.key')).toMatchObject({ status: 50 });
    expect(await readdir(memory)).not.toContain('flipped');
  });

  test('the wrong key opens nothing', async () => {
    await here.run('init', 'other.key');
    expect(await here.run('verify', url('sealed'), '--key', 'local-file:other.key', '--name', 'acme/m')).toMatchObject({ status: 30, stderr: expect.stringContaining('E_NO_USABLE_WRAP') });
    expect(await here.run('verify', 'model.yaml', '--key', 'local-file:other.key')).toMatchObject({ status: 2, stderr: expect.stringMatching(/sealed under the local key sha256:[0-9a-f]{32}, but other\.key holds sha256:[0-9a-f]{32}\n/) });
    expect(await here.run('verify', 'model.yaml')).toMatchObject({ status: 2, stderr: expect.stringContaining('--key local-file:PATH') });
  });
});

describe('versions', () => {
  test('count on from latest.json, from a pin, or from a number', async () => {
    const one = await seal('line', '--emit', 'one.yaml');
    const two = await seal('line', '--emit', 'two.yaml');
    expect(two).toMatchObject({ sequence: 2, previous: one['digest'] });
    const three = await seal('line', '--previous', 'two.yaml');
    expect(three).toMatchObject({ sequence: 3, previous: two['digest'] });
    expect(await seal('line', '--sequence', '9')).toMatchObject({ sequence: 9, previous: three['digest'] });
    expect(await seal('elsewhere', '--previous', 'two.yaml')).toMatchObject({ sequence: 3, previous: two['digest'] });
    const versions = await here.json('ls', url('line'));
    expect(versions).toHaveLength(4);
    expect(await here.json('verify', 'one.yaml', '--key', 'local-file:try.key')).toMatchObject({ sequence: 1 });
  });

  test('never go back, and never follow a jump', async () => {
    await seal('back', '--emit', 'back.yaml', '--sequence', '1');
    await seal('back');
    const args = ['seal', 'model', url('back'), '--key', 'local-file:try.key', '--name', 'acme/m', '--version', '3'] as const;
    expect(await here.run(...args, '--previous', 'back.yaml')).toMatchObject({ status: 20, stderr: expect.stringContaining('E_STORE_CONFLICT') });
    const latest = here.path('back/latest.json');
    const lie = (await readFile(latest, 'utf8')).replace('"sequence":2', `"sequence":${2 ** 40}`);
    await writeFile(latest, lie);
    expect(await here.run(...args)).toMatchObject({ status: 20, stderr: expect.stringContaining('jump of more than 2^20') });
    expect(await readFile(latest, 'utf8')).toBe(lie);
  });

  test('of another model do not count', async () => {
    await seal('named', '--emit', 'named.yaml');
    expect(await here.run('seal', 'model', url('named'), '--key', 'local-file:try.key', '--name', 'acme/other', '--version', '1', '--previous', 'named.yaml')).toMatchObject({ status: 2 });
  });

  test('a damaged version is listed as such and hides no other', async () => {
    await seal('damaged');
    const [name = ''] = await readdir(here.path('damaged/versions'));
    await seal('damaged');
    await writeFile(here.path(`damaged/versions/${name}`), '{"format": 1');
    const listed = await here.json('ls', url('damaged'));
    expect(listed).toMatchObject(expect.arrayContaining([expect.objectContaining({ digest: `sha256:${name.slice(0, 64)}`, damaged: 'E_JSON_SYNTAX' }), expect.objectContaining({ damaged: null, latest: true })]));
    await rm(here.path('damaged/latest.json'));
    expect(await here.run('inspect', url('damaged'))).toMatchObject({ status: 20, stderr: expect.stringContaining('E_STORE_NOT_FOUND') });
  });
});

describe('emit', () => {
  test('never overwrites what is no EncryptedModel, and says so before it seals', async () => {
    await writeFile(here.path('precious.yaml'), 'kind: Deployment\n');
    expect(await here.run('seal', 'model', url('untouched'), '--key', 'local-file:try.key', '--name', 'acme/m', '--version', '1', '--emit', 'precious.yaml')).toMatchObject({ status: 70, stderr: expect.stringContaining('E_TARGET_BUSY') });
    expect(await readFile(here.path('precious.yaml'), 'utf8')).toBe('kind: Deployment\n');
    expect(await readdir(here.folder)).not.toContain('untouched');
  });

  test('with patterns that choose nothing is refused before anything is sealed', async () => {
    expect(await here.run('seal', 'model', url('nothing'), '--key', 'local-file:try.key', '--name', 'acme/m', '--version', '1', '--emit', 'nothing.yaml', '--include', '*.gguf')).toMatchObject({ status: 50, stderr: expect.stringContaining('E_TOTALS') });
    expect(await readdir(here.folder)).not.toContain('nothing');
  });

  test('says what a cluster would refuse', async () => {
    const ran = await here.run('seal', 'model', url('said'), '--key', 'local-file:try.key', '--name', 'acme/m', '--version', '1', '--emit', 'said.yaml');
    expect(ran.stderr).toContain('spec.source.file and spec.keys[].localFile, which only the command line reads');
  });
});
