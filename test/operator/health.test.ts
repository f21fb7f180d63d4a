import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type HealthServer, startHealth } from '../../operator/health.ts';
import { keptLog } from '../support/kept-log.ts';

let server: HealthServer | undefined;
afterEach(() => server?.stop());

const page = async (path: string): Promise<{ status: number; text: string; type: string | null }> => {
  const answer = await fetch(`http://127.0.0.1:${String(server?.port)}${path}`);
  return { status: answer.status, text: await answer.text(), type: answer.headers.get('content-type') };
};

describe('the pages for kubelet and Prometheus', () => {
  test('say what is amiss, now and not as it was', async () => {
    let amiss: string[] = ['the caches are not filled yet'];
    server = await startHealth({ host: '127.0.0.1', port: 0, alive: () => [], ready: () => amiss, metrics: () => Promise.reject(new Error('not asked')), log: keptLog() });
    expect(await page('/healthz')).toMatchObject({ status: 200, text: 'ok\n' });
    expect(await page('/readyz?verbose')).toMatchObject({ status: 503, text: 'the caches are not filled yet\n' });
    amiss = [];
    expect(await page('/readyz')).toMatchObject({ status: 200 });
  });

  test('are these three and no others', async () => {
    server = await startHealth({ host: '127.0.0.1', port: 0, alive: () => [], ready: () => [], metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', text: 'a 1\n' }), log: keptLog() });
    expect(await page('/metrics')).toEqual({ status: 200, text: 'a 1\n', type: 'text/plain; version=0.0.4' });
    expect((await page('/debug')).status).toBe(404);
  });

  test.each(['//', 'http://[', '*'])('are answered still after a request for %s, which is no URL', async (target) => {
    server = await startHealth({ host: '127.0.0.1', port: 0, alive: () => [], ready: () => [], metrics: () => Promise.reject(new Error('not asked')), log: keptLog() });
    const socket = connect(server.port, '127.0.0.1');
    socket.end(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    const [answer] = (await once(socket.setEncoding('utf8'), 'data')) as [string];
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect((await page('/healthz')).status).toBe(200);
  });

  test('fail alone: one that cannot be made is a 500, and is logged', async () => {
    const log = keptLog();
    server = await startHealth({ host: '127.0.0.1', port: 0, alive: () => [], ready: () => [], metrics: () => Promise.reject(new Error('no figures')), log });
    expect((await page('/metrics')).status).toBe(500);
    expect((await page('/healthz')).status).toBe(200);
    expect(log.lines[0]?.fields.reason).toBe('no figures');
  });
});
