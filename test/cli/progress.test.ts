import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { startProgress } from '../../cli/progress.ts';
import { countText, durationText, rateText, sizeText, someOf } from '../../cli/quantity.ts';

describe('quantities as people read them', () => {
  test.each([[0, '0 B'], [999, '999 B'], [1000, '1.0 kB'], [999_949, '999.9 kB'], [999_950, '1.0 MB'], [141_107_412_992, '141.1 GB'], [2 ** 53, '9.0 PB']])('%d bytes', (bytes, text) => {
    expect(sizeText(bytes)).toBe(text);
  });
  test.each([[0, '0:00'], [7.4, '0:07'], [59.6, '1:00'], [750, '12:30'], [3723, '1:02:03'], [-1, '0:00']])('%d seconds', (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });
  test('counts, lists, rates', () => {
    expect([countText(1, 'file'), countText(0, 'file'), countText(2, 'file')]).toEqual(['1 file', '0 files', '2 files']);
    expect([someOf(['a', 'b']), someOf(['a', 'b', 'c', 'd', 'e'])]).toEqual(['a, b', 'a, b, c and 2 more']);
    expect([rateText(4e9, 2), rateText(1, 0)]).toEqual(['2.00 GB/s', '0.00 GB/s']);
  });
});

describe('progress', () => {
  let now = 0;
  let screen: string[];
  beforeEach(() => {
    jest.useFakeTimers();
    now = 0;
    screen = [];
  });
  afterEach(() => {
    jest.useRealTimers();
  });
  const start = (terminal: boolean, columns = 200) =>
    startProgress({ terminal, columns: () => columns, write: (text) => void screen.push(text) }, { doing: 'sealing', done: 'sealed' }, { bytes: 4e9, files: 2 }, () => now);
  const pass = (ms: number): void => {
    now += ms;
    jest.advanceTimersByTime(ms);
  };

  test('is a line every few seconds where there is no terminal', () => {
    const progress = start(false);
    progress.add(1e9);
    pass(4999);
    expect(screen).toEqual([]);
    pass(1);
    progress.add(1e9);
    progress.fileDone();
    pass(5000);
    progress.end('done');
    pass(60_000);
    expect(screen).toEqual([
      'sealing 1.0 GB of 4.0 GB  25 %  0.20 GB/s  ETA 0:15  0 of 2 files\n',
      'sealing 2.0 GB of 4.0 GB  50 %  0.20 GB/s  ETA 0:10  1 of 2 files\n',
      'sealed 2.0 GB in 1 file, 0:10, 0.20 GB/s\n',
    ]);
  });

  test('redraws one line on a terminal, never wider than it, and a message does not tear it', () => {
    const progress = start(true, 21);
    pass(200);
    progress.above('a message');
    progress.end('abandoned');
    expect(screen).toEqual(['\r\u001B[Ksealing 0 B of 4.0 G', '\r\u001B[Ka message\n', '\r\u001B[K']);
  });

  test('knows no time left before the first byte', () => {
    const progress = start(false);
    pass(5000);
    progress.end('abandoned');
    expect(screen).toEqual(['sealing 0 B of 4.0 GB  0 %  0.00 GB/s  ETA -:--  0 of 2 files\n']);
  });
});
