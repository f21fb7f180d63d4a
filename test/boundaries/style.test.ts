// The habits of this code base that a program can check (docs/architecture.md).
import { basename } from 'node:path';
import { expect, test } from '@jest/globals';
import { files, read, sources } from './sources.ts';

const ours = files.filter((path) => path.endsWith('.ts'));

test('files are called by one noun or verb, in kebab-case', () => {
  const vague = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'manager', 'impl', 'base', 'types']);
  const bad = ours.filter(
    (path) => path.split('/').some((part) => vague.has(part.replace(/\.ts$/, ''))) || !/^[a-z0-9-]+(\.test|\.d)?\.ts$/.test(basename(path)),
  );
  expect(bad).toEqual([]);
});

test('every source opens by saying what it promises', () => {
  expect(sources.map(({ path }) => path).filter((path) => !/^(#!.*\n)?(\/\/|\/\*)/.test(read(path)))).toEqual([]);
});

test('nothing is put off in the code: no to-do, no stub', () => {
  const marks = new RegExp(
    [
      ['TO', 'DO'],
      ['FIX', 'ME'],
      ['not ', 'implemented'],
    ]
      .map((halves) => halves.join(''))
      .join('|'),
  );
  expect(ours.filter((path) => marks.test(read(path)))).toEqual([]);
});

test('most files fit on two screens', () => {
  const lengths = sources.map(({ path }) => ({ path, lines: read(path).split('\n').length })).sort((a, b) => a.lines - b.lines);
  expect(lengths[Math.floor(lengths.length / 2)]?.lines).toBeLessThanOrEqual(150);
  expect(lengths[Math.floor(lengths.length * 0.9)]?.lines).toBeLessThanOrEqual(300);
});

test('no module keeps state: top-level bindings are constant', () => {
  expect(sources.filter(({ path, code }) => basename(path) !== 'main.ts' && /^(export )?(let|var) /m.test(code)).map(({ path }) => path)).toEqual([]);
});
