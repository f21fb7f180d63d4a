// docs/pods.md against the code: a reason or an annotation that it doesn't explain would be met at the worst moment.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { ANNOTATION } from '../../core/api/names.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');
const sorted = (found: IterableIterator<RegExpExecArray>): readonly string[] => [...found].map((match) => match[1] ?? '').toSorted();

const reasons = sorted(read('core/injection/refusal.ts').matchAll(/^ {2}\| '(\w+)'/gmu));

test('every reason of a refusal is explained, and no other', () => {
  expect(reasons.length).toBeGreaterThan(10);
  expect(sorted(read('docs/pods.md').matchAll(/^\| `([A-Z]\w+)` \|/gmu))).toEqual(reasons);
});

test('every annotation that a person may write is explained, and no other', () => {
  const written = Object.values<string>(ANNOTATION).filter((name) => name !== ANNOTATION.injected);
  expect(sorted(read('docs/pods.md').matchAll(/^\| `(weightlock\.dev\/[a-z-]+)` \|/gmu))).toEqual(written.toSorted());
});

test('every reason has a pod that is refused for it', () => {
  const fixtures = 'test/core/injection/fixtures';
  const seen = readdirSync(join(ROOT, fixtures)).filter((name) => name.startsWith('deny-')).map((name) => read(`${fixtures}/${name}/deny.txt`).split('\n')[0] ?? '');
  expect([...new Set(seen)].toSorted()).toEqual(reasons);
});
