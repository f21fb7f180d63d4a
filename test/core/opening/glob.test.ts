import { describe, expect, test } from '@jest/globals';
import { compileGlob } from '../../../core/opening/glob.ts';

const accepts = (pattern: string, path: string): boolean => compileGlob(pattern)(path);

describe('a glob', () => {
  test.each([
    ['*.safetensors', 'model.safetensors'],
    ['a/*.json', 'a/config.json'],
    ['a/**', 'a/b/c'],
    ['**/x', 'x'],
    ['**/x', 'a/b/x'],
    ['a/**/z', 'a/z'],
    ['a/**/z', 'a/b/c/z'],
    ['model-?????-of-*.bin', 'model-00001-of-00030.bin'],
    ['**', 'any/thing'],
    ['(a)+[b]{c}.$^|', '(a)+[b]{c}.$^|'],
    ['é/*', 'é/😀'],
    ['?', '😀'],
  ])('%s matches %s', (pattern, path) => {
    expect(accepts(pattern, path)).toBe(true);
  });

  test.each([
    ['*', 'a/b'],
    ['a/*', 'a/b/c'],
    ['a/?', 'a//'],
    ['**/x', 'ax'],
    ['**/x', 'a/bx'],
    ['a/**/z', 'az'],
    ['a/**/z', 'a/bz'],
    ['a.c', 'abc'],
    ['a', 'A'],
    ['', 'a'],
    ['a*', 'ba'],
  ])('%s does not match %s', (pattern, path) => {
    expect(accepts(pattern, path)).toBe(false);
  });

  test('of many stars answers for a path made to stall it', () => {
    const stars = '*a'.repeat(64);
    expect(accepts(`${stars}b`, 'a'.repeat(1024))).toBe(false);
    expect(accepts(`${'**/'.repeat(64)}b`, 'a/'.repeat(512))).toBe(false);
  });
});
