import { describe, expect, test } from '@jest/globals';
import { applyPatch, escapeToken, type PatchOperation } from '../../../core/injection/patch.ts';

const apply = (document: unknown, ...patch: readonly PatchOperation[]): unknown => applyPatch(document, patch);

describe('a JSON patch', () => {
  test('adds, replaces and removes members and items as RFC 6902 says', () => {
    expect(apply({ a: 1 }, { op: 'add', path: '/a', value: 2 })).toEqual({ a: 2 });
    expect(apply({ a: [1, 3] }, { op: 'add', path: '/a/1', value: 2 })).toEqual({ a: [1, 2, 3] });
    expect(apply({ a: [1] }, { op: 'add', path: '/a/-', value: 2 })).toEqual({ a: [1, 2] });
    expect(apply({ a: [1, 2] }, { op: 'replace', path: '/a/0', value: 5 })).toEqual({ a: [5, 2] });
    expect(apply({ a: [1, 2], b: 1 }, { op: 'remove', path: '/a/0' }, { op: 'remove', path: '/b' })).toEqual({ a: [2] });
  });

  test('reads escaped names', () => {
    expect(apply({}, { op: 'add', path: `/${escapeToken('a/b~1')}`, value: 1 })).toEqual({ 'a/b~1': 1 });
  });

  test('leaves the original and its own values alone', () => {
    const [document, value] = [{ a: {} }, { b: [] as number[] }];
    const result = applyPatch<unknown>(document, [
      { op: 'add', path: '/a/x', value },
      { op: 'add', path: '/a/x/b/-', value: 1 },
    ]);
    expect([document, value, result]).toEqual([{ a: {} }, { b: [] }, { a: { x: { b: [1] } } }]);
  });

  test.each<[PatchOperation]>([
    [{ op: 'add', path: '/missing/x', value: 1 }],
    [{ op: 'add', path: '/list/3', value: 1 }],
    [{ op: 'replace', path: '/list/-', value: 1 }],
    [{ op: 'replace', path: '/none', value: 1 }],
    [{ op: 'remove', path: '/list/2' }],
    [{ op: 'remove', path: '/toString' }],
    [{ op: 'add', path: '/__proto__/x', value: 1 }],
    [{ op: 'add', path: '', value: 1 }],
  ])('refuses %j, which has no place', (operation) => {
    expect(() => apply({ list: [1, 2] }, operation)).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  });

  test('writes a member called __proto__ as any other', () => {
    expect(Object.keys(apply({}, { op: 'add', path: '/__proto__', value: 1 }) as object)).toEqual(['__proto__']);
  });
});
