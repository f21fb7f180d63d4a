import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { scanFolder } from '../../../core/publishing/scan-folder.ts';

const never = new AbortController().signal;
let place: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'scan-'));
});
afterEach(async () => {
  await rm(place, { recursive: true });
});

const put = async (path: string, content = 'x'): Promise<string> => {
  const full = join(place, path);
  await mkdir(dirname(full), { recursive: true });
  await writeFile(full, content);
  return full;
};
const link = async (path: string, target: string): Promise<void> => {
  await mkdir(dirname(join(place, path)), { recursive: true });
  await symlink(target, join(place, path));
};
const scan = (folder = 'model') => scanFolder(join(place, folder), never);
const paths = async (folder?: string): Promise<readonly string[]> => (await scan(folder)).files.map((file) => file.path);

describe('what a folder holds', () => {
  test('is every regular file below it, sorted by UTF-8 bytes', async () => {
    // U+FF5E sorts before U+1F600 by UTF-8 bytes and after it by UTF-16 units.
    for (const name of ['b.json', 'sub/deep/w.bin', 'a.json', '\uFF5E', '\u{1F600}']) await put(`model/${name}`);
    expect(await paths()).toEqual(['a.json', 'b.json', 'sub/deep/w.bin', '\uFF5E', '\u{1F600}']);
  });

  test('is named in NFC, whatever form the file system holds', async () => {
    await put('model/caf\u0065\u0301.bin');
    const folder = await scan();
    expect(folder.files.map((file) => file.path)).toEqual(['caf\u00e9.bin']);
    expect(folder.files[0]?.realPath).toBe(join(place, 'model/caf\u0065\u0301.bin'));
  });

  test('counts its bytes, empty files included', async () => {
    await put('model/empty', '');
    await put('model/five', '12345');
    expect(await scan()).toMatchObject({ bytes: 5, linked: 0, emptyFolders: [], droppedModes: [], leftOut: [] });
  });

  test('leaves out .git and .cache/huggingface at any depth, and says so', async () => {
    for (const name of ['w', '.git/config', '.cache/huggingface/download/w.lock', 'sub/.cache/huggingface/x', 'sub/.cache/kept', 'sub/huggingface/kept']) await put(`model/${name}`);
    const folder = await scan();
    expect(folder.files.map((file) => file.path)).toEqual(['sub/.cache/kept', 'sub/huggingface/kept', 'w']);
    expect(folder.leftOut).toEqual(['.cache/huggingface', '.git', 'sub/.cache/huggingface']);
    expect(folder.emptyFolders).toEqual([]);
  });

  test('says which folders are empty and which files lose a mode', async () => {
    await put('model/w');
    await chmod(await put('model/run.sh'), 0o755);
    await mkdir(join(place, 'model/none/at/all'), { recursive: true });
    const folder = await scan();
    expect(folder.emptyFolders).toEqual(['none/at/all', 'none/at', 'none']);
    expect(folder.droppedModes).toEqual(['run.sh']);
  });
});

describe('links', () => {
  test('within the folder are followed, to files and to folders', async () => {
    await put('model/real/w.bin', 'weights');
    await link('model/w.bin', 'real/w.bin');
    await link('model/again', 'real');
    const folder = await scan();
    expect(folder.files.map(({ path, size }) => [path, size])).toEqual([['again/w.bin', 7], ['real/w.bin', 7], ['w.bin', 7]]);
    expect(folder.linked).toBe(2);
  });

  test.each([
    ['an absolute one', '/etc/hostname'],
    ['a relative one', '../secret'],
    ['one through a folder beside the root whose name begins like it', '../model-2/w'],
  ])('that lead out are refused: %s', async (_, target) => {
    await put('secret');
    await put('model-2/w');
    await put('model/w');
    await link('model/out', target);
    await expect(scan()).rejects.toMatchObject({ code: 'E_PATH_LINK' });
  });

  test('that lead out through another link are refused by where they really end', async () => {
    await put('secret/w');
    await link('model/inner', '../secret');
    await link('model/w', 'inner/w');
    await expect(scan()).rejects.toMatchObject({ code: 'E_PATH_LINK' });
  });

  test('that lead nowhere, or to a folder above themselves, are refused', async () => {
    await put('model/w');
    await link('model/dangling', 'gone');
    await expect(scan()).rejects.toMatchObject({ code: 'E_PATH_LINK' });
    await rm(join(place, 'model/dangling'));
    await link('model/sub/loop', '..');
    await expect(scan()).rejects.toMatchObject({ code: 'E_PATH_LINK' });
  });

  test('of a Hugging Face snapshot lead into the blobs of its own repository only', async () => {
    await put('models--acme--llama/blobs/b1', 'weights');
    await put('models--acme--other/blobs/b2');
    await link('models--acme--llama/snapshots/rev/model.safetensors', '../../blobs/b1');
    expect(await paths('models--acme--llama/snapshots/rev')).toEqual(['model.safetensors']);
    await link('models--acme--llama/snapshots/rev/foreign', '../../../models--acme--other/blobs/b2');
    await expect(scan('models--acme--llama/snapshots/rev')).rejects.toMatchObject({ code: 'E_PATH_LINK' });
  });

  test('into blobs are refused where the repository is not named as such', async () => {
    await put('llama/blobs/b1');
    await link('llama/snapshots/rev/model.safetensors', '../../blobs/b1');
    await expect(scan('llama/snapshots/rev')).rejects.toMatchObject({ code: 'E_PATH_LINK' });
  });

  test('may lead to the folder itself, which is then taken as named', async () => {
    await put('real/w');
    await link('model', 'real');
    expect(await paths()).toEqual(['w']);
  });

  test('that multiply a tree end at the limit of depth', async () => {
    // Each level lists the next one twice: 2^n paths, were there no limit.
    await put('model/w');
    for (let i = 0; i < 20; i++) {
      await mkdir(join(place, `model/d${i}`), { recursive: true });
      await link(`model/d${i}/a`, `../d${i + 1}`);
      await link(`model/d${i}/b`, `../d${i + 1}`);
    }
    await mkdir(join(place, 'model/d20'));
    await expect(scan()).rejects.toMatchObject({ code: 'E_PATH_SYNTAX' });
  });
});

describe('what cannot be sealed', () => {
  test.each([
    ['a name that is a reserved one', '.ready', 'E_PATH_RESERVED'],
    ['a name with a colon', 'a:b', 'E_PATH_SYNTAX'],
    ['a name with a line feed', 'a\nb', 'E_PATH_SYNTAX'],
    ['a name that turns the writing direction', 'a\u202eb', 'E_PATH_SYNTAX'],
    ['a file 17 components deep', `${'d/'.repeat(16)}w`, 'E_PATH_SYNTAX'],
  ])('%s', async (_, name, code) => {
    await put(`model/${name}`);
    await expect(scan()).rejects.toMatchObject({ code });
  });

  test('two names that are one where case or accents do not count', async () => {
    await put('model/Config.json');
    await put('model/config.json');
    await expect(scan()).rejects.toMatchObject({ code: 'E_PATH_CONFLICT' });
  });

  test('a name that is not UTF-8', async () => {
    await put('model/w');
    await writeFile(Buffer.concat([Buffer.from(join(place, 'model/')), Buffer.of(0xff, 0xfe)]), 'x');
    await expect(scan()).rejects.toMatchObject({ code: 'E_PATH_SYNTAX' });
  });

  test('a FIFO: it has no length', async () => {
    await put('model/w');
    execFileSync('mkfifo', [join(place, 'model/pipe')]);
    await expect(scan()).rejects.toMatchObject({ code: 'E_PATH_LINK' });
  });

  test('nothing: no folder, a file, an empty folder', async () => {
    await expect(scan()).rejects.toMatchObject({ code: 'E_USAGE', message: expect.stringContaining('no such folder') });
    await put('model');
    await expect(scan()).rejects.toMatchObject({ code: 'E_USAGE', message: expect.stringContaining('it is a file') });
    await mkdir(join(place, 'bare'));
    await expect(scan('bare')).rejects.toMatchObject({ code: 'E_USAGE', message: expect.stringContaining('no file') });
  });

  test('16 components are deep enough to be accepted', async () => {
    const deepest = `${'d/'.repeat(15)}w`;
    await put(`model/${deepest}`);
    expect(await paths()).toEqual([deepest]);
  });
});
