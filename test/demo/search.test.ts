import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { needlesOf, searchFolder } from './search.ts';

const work = mkdtempSync(join(tmpdir(), 'weightlock-search-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const plain = join(work, 'plain');
const content = randomBytes(20 * 1024 * 1024);
writeFileSync(plain, content);
const needles = needlesOf(plain, 16);

describe('the search for plaintext', () => {
  test('finds a copy, wherever in a folder and at whatever offset', () => {
    for (const shift of [0, 1, 8 * 1024 * 1024 - 3]) {
      const folder = join(work, `copies-${shift}`, 'deep');
      mkdirSync(folder, { recursive: true });
      const file = join(folder, 'file');
      writeFileSync(file, Buffer.concat([Buffer.alloc(shift), content]));
      expect(searchFolder(join(work, `copies-${shift}`), needles).hits).toEqual([file]);
    }
  });

  test('finds one piece that lies across two reads', () => {
    const folder = join(work, 'across');
    mkdirSync(folder);
    const needle = needles[3] ?? Buffer.alloc(0);
    writeFileSync(join(folder, 'file'), Buffer.concat([Buffer.alloc(8 * 1024 * 1024 - 16), needle, Buffer.alloc(100)]));
    expect(searchFolder(folder, needles).hits).toHaveLength(1);
  });

  test('finds nothing where there is nothing, and says how much it read', () => {
    const folder = join(work, 'other');
    mkdirSync(folder);
    writeFileSync(join(folder, 'file'), randomBytes(1000));
    expect(searchFolder(folder, needles)).toEqual({ hits: [], files: 1, bytes: 1000 });
  });

  test('refuses a file of padding: it would find everything or nothing', () => {
    const file = join(work, 'padding');
    writeFileSync(file, Buffer.alloc(1 << 20));
    expect(() => needlesOf(file, 16)).toThrow('too little in it');
  });
});
