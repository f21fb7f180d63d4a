import { execFileSync } from 'node:child_process';
import { appendFile, copyFile, mkdtemp, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readSource } from '../../../core/publishing/read-source.ts';
import { identityOf, type SourceFile } from '../../../core/publishing/source-file.ts';

const never = new AbortController().signal;
let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'source-'));
  path = join(folder, 'w.bin');
  await writeFile(path, Buffer.from('0123456789'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const source = async (): Promise<SourceFile> => {
  const facts = await stat(path, { bigint: true });
  return { path: 'w.bin', realPath: path, size: Number(facts.size), identity: identityOf(facts) };
};
const readAll = async (file: SourceFile, between: () => Promise<unknown> = async () => undefined): Promise<string[]> => {
  const pieces: string[] = [];
  for await (const piece of readSource(file, 4, never)) {
    pieces.push(piece.toString());
    if (pieces.length === 1) await between();
  }
  return pieces;
};

describe('a source', () => {
  test('comes in pieces of the size asked for', async () => {
    expect(await readAll(await source())).toEqual(['0123', '4567', '89']);
  });

  test('without a byte comes in no piece', async () => {
    await writeFile(path, '');
    expect(await readAll(await source())).toEqual([]);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['grows', () => appendFile(path, 'more')],
    ['shrinks', () => truncate(path, 5)],
    ['is rewritten in place', () => writeFile(path, 'abcdefghij')],
    ['is rewritten and given its old times', async () => {
      await copyFile(path, join(folder, 'reference'));
      execFileSync('touch', ['-r', path, join(folder, 'reference')]); // to the nanosecond
      await writeFile(path, 'abcdefghij');
      execFileSync('touch', ['-r', join(folder, 'reference'), path]);
    }],
    ['is replaced by another of the same size', async () => {
      await writeFile(join(folder, 'other'), 'abcdefghij');
      await rename(join(folder, 'other'), path);
    }],
    ['is deleted', () => rm(path)],
  ])('that %s while it is read is not taken', async (_, change) => {
    await expect(readAll(await source(), change)).rejects.toMatchObject({ code: 'E_SOURCE_CHANGED' });
  });

  test('that changed since the folder was scanned gives no byte', async () => {
    const file = await source();
    await writeFile(path, 'abcdefghij');
    const pieces = readSource(file, 4, never);
    await expect(pieces.next()).rejects.toMatchObject({ code: 'E_SOURCE_CHANGED' });
  });

  test('that may not be read is E_IO and names the file', async () => {
    const file = await source();
    await rm(path);
    await expect(readAll(file)).rejects.toMatchObject({ code: 'E_IO', message: expect.stringContaining(path) });
  });
});
