import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from '@jest/globals';
import { createLogger, type LogFields, withoutQueries } from '../../core/log.ts';

async function written(say: (log: ReturnType<typeof createLogger>) => void): Promise<Record<string, unknown>[]> {
  const stream = new PassThrough();
  const log = createLogger('info', stream);
  say(log);
  await log.close();
  stream.end();
  return (await text(stream)).split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('a line is one JSON object with level, message, time and the allowed fields', async () => {
  const [line] = await written((log) => log.info('loading', { bytes: 7, path: 'a.bin' }));
  expect(line).toEqual({ level: 'info', message: 'loading', time: expect.stringMatching(/^\d{4}-.*Z$/), bytes: 7, path: 'a.bin' });
});
test('a field that is not on the list does not get into a line, whatever types it was smuggled past', async () => {
  const smuggled = { dek: 'secret', bytes: { nested: 'secret' }, path: Buffer.from('secret') } as unknown as LogFields;
  expect(JSON.stringify(await written((log) => log.error('x', smuggled)))).not.toMatch(/secret|nested|115/);
});
test('URLs lose their query, in messages and in fields', async () => {
  const lines = await written((log) => log.warn('GET https://h/p?X-Amz-Signature=secret failed', { reason: 'see http://h/q?token=secret, "https://h/r?x=secret"' }));
  expect(JSON.stringify(lines)).not.toContain('secret');
  expect(lines[0]).toMatchObject({ message: 'GET https://h/p failed' });
});
test('a line below the level is not written, and close waits for those that are', async () => {
  const lines = await written((log) => {
    log.debug('quiet');
    for (let i = 0; i < 1000; i++) log.info(`line ${i}`);
  });
  expect(lines).toHaveLength(1000);
});
const cost = (bytes: number): number => {
  const text = 'http://'.repeat(bytes / 7);
  const begun = performance.now();
  withoutQueries(text);
  return performance.now() - begun;
};

test('a text of many URLs costs in proportion to its length: others write what is quoted in a line', () => {
  cost(7_000);
  expect(cost(140_000)).toBeLessThan(100 * Math.max(cost(7_000), 0.1)); // twenty times the text; the square would be four hundred times
});
