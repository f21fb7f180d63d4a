import { describe, expect, test } from '@jest/globals';
import { placeAfterConflict, placeAtStart } from '../../../core/publishing/position.ts';

const digest = (letter: string): string => letter.repeat(64);
const latest = (sequence: number) => ({ format: 'weightlock.latest/1.0', version: digest('a'), sequence }) as const;
const conflict = expect.objectContaining({ code: 'E_STORE_CONFLICT' });

describe('where a version stands', () => {
  test('without a pin: first, or after what latest.json says', () => {
    expect(placeAtStart({ kind: 'latest' }, null)).toEqual({ sequence: 1, previous: null });
    expect(placeAtStart({ kind: 'latest' }, latest(7))).toEqual({ sequence: 8, previous: digest('a') });
  });

  test('with a pin: by the pin, whatever latest.json says below it', () => {
    const pinned = { kind: 'pinned', sequence: 8, previous: digest('b') } as const;
    expect(placeAtStart(pinned, null)).toEqual({ sequence: 8, previous: digest('b') });
    expect(placeAtStart(pinned, latest(7))).toEqual({ sequence: 8, previous: digest('b') });
    expect(placeAtStart(pinned, latest(3))).toEqual({ sequence: 8, previous: digest('b') });
  });

  test('with a number alone: latest.json names the version before, and must be there past the first', () => {
    expect(placeAtStart({ kind: 'pinned', sequence: 1, previous: null }, null)).toEqual({ sequence: 1, previous: null });
    expect(placeAtStart({ kind: 'pinned', sequence: 9, previous: null }, latest(7))).toEqual({ sequence: 9, previous: digest('a') });
    expect(() => placeAtStart({ kind: 'pinned', sequence: 9, previous: null }, null)).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  });

  test('never goes back: a pin at or below latest.json is a conflict before anything is sealed', () => {
    for (const sequence of [7, 8]) expect(() => placeAtStart({ kind: 'pinned', sequence, previous: digest('b') }, latest(8))).toThrow(conflict);
  });

  test('takes no jump past 2^20 from latest.json', () => {
    expect(placeAtStart({ kind: 'latest' }, latest(2 ** 20))).toMatchObject({ sequence: 2 ** 20 + 1 });
    expect(() => placeAtStart({ kind: 'latest' }, latest(2 ** 20 + 1))).toThrow(conflict);
  });

  test('after a conflict is one past the other publisher', () => {
    const ours = { sequence: 8, previous: digest('b') };
    expect(placeAfterConflict(ours, latest(8))).toEqual({ sequence: 9, previous: digest('a') });
    expect(placeAfterConflict(ours, latest(12))).toEqual({ sequence: 13, previous: digest('a') });
    expect(() => placeAfterConflict(ours, latest(8 + 2 ** 20 + 1))).toThrow(conflict);
  });

  test('after a conflict stays where latest.json is behind or gone', () => {
    const ours = { sequence: 8, previous: digest('b') };
    expect(placeAfterConflict(ours, latest(5))).toEqual(ours);
    expect(placeAfterConflict(ours, null)).toEqual(ours);
  });
});
