import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, jest, test } from '@jest/globals';
import { createLogger } from '../../core/log.ts';
import { watchProgress } from '../../init-decryptor/progress.ts';

test('a load says after a second, and then every five, how far it came, how fast, and for how long yet', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  try {
    const stream = new PassThrough();
    const log = createLogger('info', stream);
    const progress = watchProgress(1000, log, () => performance.now());
    progress.observer.verified(100);
    jest.advanceTimersByTime(1000);
    progress.observer.verified(500);
    progress.observer.fileDone('a', 600);
    jest.advanceTimersByTime(5000);
    progress.stop();
    jest.advanceTimersByTime(60_000);
    await log.close();
    stream.end();
    const lines = (await text(stream)).trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toEqual([
      expect.objectContaining({ message: 'loading', bytes: 100, totalBytes: 1000, files: 0, bytesPerSecond: 100, etaSeconds: 9 }),
      expect.objectContaining({ message: 'loading', bytes: 600, totalBytes: 1000, files: 1, bytesPerSecond: 100, etaSeconds: 4 }),
    ]);
    expect(progress.bytes()).toBe(600);
  } finally {
    jest.useRealTimers();
  }
});
