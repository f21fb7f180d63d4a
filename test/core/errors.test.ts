// What every message of ours holds to, whoever chose the words in it.
import { describe, expect, test } from '@jest/globals';
import { asWeightlockError, WeightlockError } from '../../core/errors.ts';
import { parseManifest } from '../../core/envelope/manifest.ts';
import { checkPath } from '../../core/envelope/paths.ts';
import { bytesOf, changed, manifestJson } from './envelope/manifests.ts';

const messageOf = (attempt: () => unknown): string => {
  try {
    attempt();
  } catch (error) {
    return asWeightlockError(error).message;
  }
  return '';
};

describe('a message', () => {
  test('fits a termination log however large the name in it: a publisher cannot fill its reader\'s memory with a complaint', () => {
    const huge = 'x'.repeat(8 * 2 ** 20);
    for (const json of [changed(manifestJson(), 'files.0.path', huge), { ...manifestJson(), annotations: { [huge]: 1 } }]) {
      const message = messageOf(() => parseManifest(bytesOf(json)));
      expect(message.length).toBeGreaterThan(1000);
      expect(message.length).toBeLessThanOrEqual(4097);
      expect(message.endsWith('…')).toBe(true);
    }
  });

  test('is one line that controls and reorders no terminal', () => {
    expect(messageOf(() => checkPath('a\u202etxt.exe'))).toContain(String.raw`a\u202etxt.exe`);
    expect(new WeightlockError('E_IO', 'a\nforged line\u001b[2J\u009b\u007f\u2028\u2069').message).toBe(String.raw`a\u000aforged line\u001b[2J\u009b\u007f\u2028\u2069`);
  });

  test('keeps what people write', () => {
    for (const text of ['“ü” → 模型 😀', 'a'.repeat(4096), 'C:\\x "y"']) expect(new WeightlockError('E_IO', text).message).toBe(text);
  });
});
