import { describe, expect, test } from '@jest/globals';
import { checkTotals, selectFiles, totalsOf } from '../../../core/opening/selection.ts';

const FILES = ['README.md', 'config.json', 'model.safetensors', 'onnx/config.json', 'onnx/model.onnx'].map((path, i) => ({ path, size: 10 ** i }));
const paths = (include: string[], exclude: string[]): string[] => selectFiles(FILES, { include, exclude }).map(({ path }) => path);

describe('a selection', () => {
  test('without patterns is the whole model', () => {
    expect(paths([], [])).toEqual(FILES.map(({ path }) => path));
  });
  test('holds a pattern without / against the base name, in every folder', () => {
    expect(paths(['*.json'], [])).toEqual(['config.json', 'onnx/config.json']);
  });
  test('holds a pattern with / against the whole path', () => {
    expect(paths(['onnx/*'], [])).toEqual(['onnx/config.json', 'onnx/model.onnx']);
  });
  test('lets exclude win over include', () => {
    expect(paths(['*.json', '*.safetensors'], ['onnx/**'])).toEqual(['config.json', 'model.safetensors']);
  });
  test('whose sums differ from the stated ones is E_TOTALS and says the right ones', () => {
    const selected = selectFiles(FILES, { include: ['*.json'], exclude: [] });
    expect(totalsOf(selected)).toEqual({ files: 2, bytes: 1010 });
    expect(() => checkTotals(selected, { files: 2, bytes: 1010 })).not.toThrow();
    for (const stated of [{ files: 1, bytes: 1010 }, { files: 2, bytes: 1011 }]) {
      expect(() => checkTotals(selected, stated)).toThrow(
        expect.objectContaining({ code: 'E_TOTALS', next: 'Set manifest.files to 2 and manifest.bytes to 1010, or correct include and exclude.' }),
      );
    }
  });
  test('of nothing is E_TOTALS, whether or not sums were stated', () => {
    expect(() => checkTotals([], undefined)).toThrow(expect.objectContaining({ code: 'E_TOTALS' }));
  });
});
