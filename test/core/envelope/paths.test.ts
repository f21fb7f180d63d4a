// File names that a malicious publisher would like (docs/format.md §8).
import { describe, expect, jest, test } from '@jest/globals';
import * as fc from 'fast-check';
import { join, sep } from 'node:path';
import { checkPath, checkPaths, foldPath } from '../../../core/envelope/paths.ts';
import { codeOf, expectRefusal } from '../refusal.ts';

jest.setTimeout(120_000); // pure computation, of much data: slow only where the machine is busy

describe('a path', () => {
  test.each(['a', 'model-00001-of-00030.safetensors', 'a/b/c', '.gitattributes', '.staging.bak', 'x/.ready', '…', 'ŗȧű.bin', '模型/权重.bin', '%2e%2e/x', 'a b', '~', '-rf', 'C', 'con', 'a'.repeat(255), `${'a/'.repeat(15)}a`])('%j is accepted', (path) => {
    expect(codeOf(() => checkPath(path))).toBe('accepted');
  });

  test.each([
    '', '/', '.', '..', '../x', 'a/../../x', 'a/..', '/etc/x', 'a//b', './a', 'a/.', 'a/', 'a\\..\\b', '\\\\host\\x', 'C:x', 'a:b', '%2e%2e/', 'a\0b', 'a\nb', 'a\tb', '\u007f', '\u0085', 'a\u2028b', 'a\u2029b',
    'a\u202eb', '\u200ea', '\u200fa', '\u061ca', '\u202aa', '\u2066a', '\u2069a', 'e\u0301', '\ud800', 'a'.repeat(256), 'é'.repeat(128), `${'a'.repeat(200)}/`.repeat(5) + 'a'.repeat(20), `${'a/'.repeat(16)}a`,
  ])('%j is E_PATH_SYNTAX', (path) => {
    expectRefusal('E_PATH_SYNTAX', () => checkPath(path));
  });

  test.each(['.staging', '.ready', '.staging/x', '.ready/x', '.READY', '.Staging/x'])('%j is E_PATH_RESERVED', (path) => {
    expectRefusal('E_PATH_RESERVED', () => checkPath(path));
  });

  test('of 1024 bytes is accepted, of 1025 not', () => {
    const long = `${'é'.repeat(127)}/`.repeat(4);
    expect(codeOf(() => checkPath(`${long}${'a'.repeat(1024 - Buffer.byteLength(long))}`))).toBe('accepted');
    expectRefusal('E_PATH_SYNTAX', () => checkPath(`${long}${'a'.repeat(1025 - Buffer.byteLength(long))}`));
  });

  test('that is accepted never leaves its root, whatever it is made of', () => {
    const odd = fc.array(fc.constantFrom('a', 'B', '.', '..', '/', '\\', ':', '\0', '\n', '\u202e', 'é', 'e\u0301', 'ß', '~', '%2f', ' '), { maxLength: 12 }).map((parts) => parts.join(''));
    fc.assert(fc.property(odd, (path) => {
      fc.pre(codeOf(() => checkPath(path)) === 'accepted');
      expect(join('/root', path).startsWith(`/root${sep}`)).toBe(true);
      expect(join('/root', path)).toBe(`/root/${path}`);
    }), { numRuns: 2000 });
  });
});

describe('paths of one model', () => {
  test.each([
    [['a', 'a']], [['a', 'A']], [['model.BIN', 'Model.bin']], [['é', 'É']], [['straße', 'STRASSE']], [['ﬁle', 'file']], [['a', 'a/b']], [['a/b/c', 'a']], [['A', 'a/b']], [['a/B', 'a/b/c']], [['ασ', 'ας']], [['i', 'ı/x']],
  ])('%j are E_PATH_CONFLICT', (paths) => {
    expectRefusal('E_PATH_CONFLICT', () => checkPaths(paths));
    expectRefusal('E_PATH_CONFLICT', () => checkPaths(paths.toReversed()));
  });
  test('an NFD twin is refused alone, before it could collide', () => {
    expectRefusal('E_PATH_SYNTAX', () => checkPaths(['caf\u00e9', 'cafe\u0301']));
  });
  test.each([[['a', 'b']], [['a/b', 'a/c', 'ab']], [['a.b', 'a/b']]])('%j are accepted together', (paths) => {
    expect(codeOf(() => checkPaths(paths))).toBe('accepted');
  });
  test('65,536 of them are checked in passing', () => {
    expect(codeOf(() => checkPaths(Array.from({ length: 65_536 }, (_, i) => `folder-${i % 100}/deeper/file-${i}`)))).toBe('accepted');
  });
  test('fold alike whatever the order of folding', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (path) => {
      expect(foldPath(foldPath(path))).toBe(foldPath(path));
    }));
  });
});
