// The range client against a server that does wrong on purpose (format.md §14: attacks 45 and 46 as far as HTTP shows them).
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { TRANSFER_LIMITS } from '../../../core/transfer/connection.ts';
import { RangeClient, type RangeAnswer, type RangeRequest } from '../../../core/transfer/range-client.ts';
import { askedRange, responseHead, type Script, type ScriptedServer, serveRange, startScriptedServer } from '../../support/scripted-server.ts';
import { eventually } from '../../support/eventually.ts';
import { expectRejection } from '../refusal.ts';

const OBJECT = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 31) % 251));
const PIN = { etag: '"one"', size: OBJECT.length };
const QUICK = { ...TRANSFER_LIMITS, stallMs: 100, connectMs: 2_000 };
const never = new AbortController().signal;
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).toReversed()) await thing.close();
});

interface Setting {
  readonly server: ScriptedServer;
  readonly client: RangeClient;
  readonly read: (range: readonly [number, number], pin?: RangeRequest['pin'], signal?: AbortSignal) => Promise<RangeAnswer & { readonly bytes: Buffer }>;
}

async function against(script: Script, limits = TRANSFER_LIMITS, host = '127.0.0.1'): Promise<Setting> {
  const server = await startScriptedServer(script, { host });
  const client = new RangeClient({ limits });
  open.push(server, client);
  return {
    server, client,
    read: async ([start, end], pin = PIN, signal = never) => {
      const chunks: Buffer[] = [];
      const answer = await client.read({ url: new URL(`${server.origin}/b/k?X-Amz-Signature=secret`), what: 's3://b/k', range: { start, end }, pin }, (chunk) => void chunks.push(Buffer.from(chunk)), signal);
      return { ...answer, bytes: Buffer.concat(chunks) };
    },
  };
}

/** A server whose 206 differs from a good one's in some fields or in its body. */
const wrong = (fields: Record<string, string | number>, body?: (good: Buffer) => Buffer): Script => (head, socket) => {
  const { start, end } = askedRange(head);
  const good = OBJECT.subarray(start, end);
  const sent = body?.(good) ?? good;
  socket.write(responseHead(206, { 'Content-Range': `bytes ${start}-${end - 1}/${OBJECT.length}`, 'Content-Length': good.length, ETag: '"one"', ...fields }));
  socket.write(sent);
};

describe('a good answer', () => {
  test('delivers exactly the range, in order, and asks as the format demands', async () => {
    const { server, read } = await against(serveRange(OBJECT));
    const answer = await read([7, 90_001]);
    expect(answer.bytes.equals(OBJECT.subarray(7, 90_001))).toBe(true);
    const [request = ''] = server.requests;
    expect(request.split('\r\n').slice(0, 5)).toEqual(['GET /b/k?X-Amz-Signature=secret HTTP/1.1', `Host: 127.0.0.1:${server.port}`, 'Range: bytes=7-90000', 'If-Match: "one"', 'Accept-Encoding: identity']);
  });

  test('to a first read may be shorter than asked for: the object ends there, and size and ETag are learnt', async () => {
    const { read, server } = await against(serveRange(OBJECT));
    const answer = await read([0, 1_000_000], null);
    expect(answer).toEqual({ kind: 'delivered', etag: '"one"', size: OBJECT.length, bytes: OBJECT });
    expect(server.requests[0]).not.toContain('If-Match');
  });

  test('uses its connection again, and one connection serves many reads', async () => {
    const { server, read } = await against(serveRange(OBJECT));
    for (let i = 0; i < 20; i++) await read([i, i + 10]);
    expect(server.connections.accepted).toBe(1);
  });

  test('comes on as many connections as there are reads, up to the limit', async () => {
    const held: (() => void)[] = [];
    const { server, read } = await against((head, socket, before) => void held.push(() => serveRange(OBJECT)(head, socket, before)));
    const reads = Array.from({ length: 40 }, (_, i) => read([i, i + 1]));
    await eventually('as many requests as connections are allowed', () => held.length === 32);
    expect(server.connections.accepted).toBe(32);
    const answered = Promise.all(reads);
    await eventually('all answered', () => {
      for (const answer of held.splice(0)) answer();
      return server.requests.length === 40;
    });
    for (const answer of held.splice(0)) answer();
    expect((await answered).map(({ bytes }) => bytes[0])).toEqual(Array.from({ length: 40 }, (_, i) => OBJECT[i]));
    expect(server.connections.accepted).toBe(32);
  });

  test('comes over IPv6 too', async () => {
    const { read } = await against(serveRange(OBJECT), TRANSFER_LIMITS, '::1');
    expect((await read([0, 5])).bytes).toEqual(OBJECT.subarray(0, 5));
  });

  test('about an object without bytes is 416 on the first read', async () => {
    const { read } = await against((_, socket) => void socket.write(responseHead(416, { 'Content-Range': 'bytes */0', 'Content-Length': 0, ETag: '"none"' })));
    expect((await read([0, 138], null)).kind).toBe('empty');
  });
});

describe('46: a server that does not do ranges as asked', () => {
  test.each<[string, Script]>([
    ['ignores Range and sends all of it', (_, socket) => void socket.write(Buffer.concat([Buffer.from(responseHead(200, { 'Content-Length': OBJECT.length, ETag: '"one"' })), OBJECT]))],
    ['answers with another range', wrong({ 'Content-Range': `bytes 0-99/${OBJECT.length}` })],
    ['answers with a shorter range', wrong({ 'Content-Range': `bytes 10-50/${OBJECT.length}`, 'Content-Length': 41 })],
    ['names no range', wrong({ 'Content-Range': 'none' })],
    ['names no size', wrong({ 'Content-Range': 'bytes 10-109/*' })],
    ['sends several ranges as multipart', wrong({ 'Content-Range': '', 'Content-Type': 'multipart/byteranges; boundary=x' })],
    ['sends less than its range', wrong({ 'Content-Length': 99 }, (good) => good.subarray(0, 99))],
    ['sends more than its range', wrong({ 'Content-Length': 200 }, (good) => Buffer.concat([good, good]))],
    ['sends chunks', wrong({ 'Transfer-Encoding': 'chunked' })],
    ['compresses', wrong({ 'Content-Encoding': 'gzip', 'Content-Length': 100 }, (good) => gzipSync(good))],
    ['sends more than it said', wrong({}, (good) => Buffer.concat([good, Buffer.from('x')]))],
    ['names no ETag', wrong({ ETag: '' })],
    ['has only weak ETags', wrong({ ETag: 'W/"one"' })],
    ['does not speak HTTP', (_, socket) => void socket.write('220 smtp ready\r\n\r\n')],
    ['sends a head without end', (_, socket) => void socket.write(`HTTP/1.1 206 x\r\nX: ${'y'.repeat(100_000)}`)],
  ])('%s: E_STORE_RANGE', async (_, script) => {
    const { read } = await against(script);
    await expectRejection('E_STORE_RANGE', read([10, 110]));
  });

  test('answers a first read with a range beyond the object: E_STORE_RANGE', async () => {
    await expectRejection('E_STORE_RANGE', (await against(wrong({ 'Content-Range': 'bytes 10-109/100' }))).read([10, 110], null));
  });

  test('not a byte of a wrong answer reaches the sink', async () => {
    const { client, server } = await against(wrong({ 'Content-Range': `bytes 0-99/${OBJECT.length}` }));
    let heard = 0;
    await client.read({ url: new URL(`${server.origin}/b/k`), what: 's3://b/k', range: { start: 10, end: 110 }, pin: PIN }, () => void heard++, never).catch(() => undefined);
    expect(heard).toBe(0);
  });
});

describe('45: an object replaced between two reads', () => {
  test('is another ETag, from a server that ignores If-Match: E_STORE_CHANGED', async () => {
    await expectRejection('E_STORE_CHANGED', (await against(serveRange(OBJECT, '"two"'))).read([0, 10]));
  });
  test('is another size: E_STORE_CHANGED', async () => {
    await expectRejection('E_STORE_CHANGED', (await against(serveRange(Buffer.concat([OBJECT, OBJECT]), '"one"'))).read([0, 10]));
  });
  test('is shorter now, and says so with 416: E_STORE_CHANGED', async () => {
    await expectRejection('E_STORE_CHANGED', (await against((_, socket) => void socket.write(responseHead(416, { 'Content-Range': 'bytes */5', 'Content-Length': 0 })))).read([0, 10]));
  });
});

describe('refusals', () => {
  test.each([403, 404, 412, 500, 503])('%d is handed on with what its document says, and its connection is left', async (status) => {
    const body = '<Error><Code>SlowDown</Code></Error>';
    const { server, read } = await against((_, socket) => void socket.write(`${responseHead(status, { 'Content-Length': body.length, 'x-amz-request-id': 'R1' })}${body}`));
    const answer = await read([0, 10]);
    expect(answer).toMatchObject({ kind: 'refused', status, body });
    await eventually('the connection is closed', () => server.connections.open === 0);
  });

  test('a redirect is not followed', async () => {
    const elsewhere = await startScriptedServer(serveRange(OBJECT));
    open.push(elsewhere);
    const { read } = await against((_, socket) => void socket.write(responseHead(307, { Location: `${elsewhere.origin}/b/k`, 'Content-Length': 0 })));
    expect(await read([0, 10])).toMatchObject({ kind: 'refused', status: 307 });
    expect(elsewhere.requests).toEqual([]);
  });
});

describe('a connection that fails', () => {
  test.each<[string, Script]>([
    ['ends before the answer', (_, socket) => void socket.end()],
    ['ends within the head', (_, socket) => void socket.end('HTTP/1.1 206 P')],
    ['is reset', (_, socket) => void socket.resetAndDestroy()],
    ['ends within the body', (head, socket) => {
      const { start } = askedRange(head);
      socket.end(Buffer.concat([Buffer.from(responseHead(206, { 'Content-Range': `bytes ${start}-${start + 99}/${OBJECT.length}`, 'Content-Length': 100, ETag: '"one"' })), OBJECT.subarray(0, 40)]));
    }],
  ])('and %s: E_STORE_UNAVAILABLE', async (_, script) => {
    await expectRejection('E_STORE_UNAVAILABLE', (await against(script)).read([0, 100]));
  });

  test('nobody listening: E_STORE_UNAVAILABLE', async () => {
    const { server, read } = await against(serveRange(OBJECT));
    await server.close();
    open.shift();
    await expectRejection('E_STORE_UNAVAILABLE', read([0, 1]));
  });

  test('a body that stops coming is given up after the stall timeout, whatever came before: E_STORE_UNAVAILABLE', async () => {
    const { server, read } = await against((head, socket) => {
      wrong({}, (good) => good.subarray(0, 40))(head, socket, 0);
    }, QUICK);
    await expectRejection('E_STORE_UNAVAILABLE', read([0, 100]));
    await eventually('the connection is closed', () => server.connections.open === 0);
  });

  test('a body that drips for ever misses its deadline: E_STORE_UNAVAILABLE', async () => {
    const drips: NodeJS.Timeout[] = [];
    const { read } = await against((head, socket) => {
      wrong({}, () => Buffer.from('a'))(head, socket, 0);
      drips.push(setInterval(() => socket.write('a'), 20));
    }, { ...QUICK, stallMs: 300, slowestBytesPerSecond: 1e6 });
    try {
      await expectRejection('E_STORE_UNAVAILABLE', read([0, 50_000]));
    } finally {
      for (const drip of drips) clearInterval(drip);
    }
  });

  test('a kept connection that the server closed meanwhile is replaced without a word', async () => {
    const sockets: Socket[] = [];
    const { server, read } = await against((head, socket, before) => {
      sockets.push(socket);
      if (before === 1) socket.destroy(); // the second request meets a connection that goes away
      else serveRange(OBJECT)(head, socket, before);
    });
    await read([0, 5]);
    expect((await read([5, 10])).bytes).toEqual(OBJECT.subarray(5, 10));
    expect([server.requests.length, server.connections.accepted]).toEqual([3, 2]);
  });

  test('but a fresh one that goes away is not asked twice', async () => {
    const { server, read } = await against((_, socket) => void socket.destroy());
    await expectRejection('E_STORE_UNAVAILABLE', read([0, 5]));
    expect(server.requests).toHaveLength(1);
  });

  test('bytes that nobody asked for end an idle connection', async () => {
    const sockets: Socket[] = [];
    const { server, read } = await against((head, socket, before) => {
      sockets.push(socket);
      serveRange(OBJECT)(head, socket, before);
    }, { ...TRANSFER_LIMITS, idleMs: 600_000 });
    await read([0, 5]);
    sockets[0]?.write('HTTP/1.1 206 smuggled\r\n\r\n');
    await eventually('the connection is closed', () => server.connections.open === 0);
    expect((await read([5, 10])).bytes).toEqual(OBJECT.subarray(5, 10));
  });
});

test('an idle connection is closed after a while', async () => {
  const { server, read } = await against(serveRange(OBJECT), { ...TRANSFER_LIMITS, idleMs: 50 });
  await read([0, 5]);
  await eventually('the connection is closed', () => server.connections.open === 0);
});

test('a slow body that keeps coming is not a stalled one', async () => {
  const { read } = await against((head, socket) => {
    wrong({}, (good) => good.subarray(0, 1))(head, socket, 0);
    let sent = 1;
    const drip = setInterval(() => {
      socket.write(OBJECT.subarray(sent, sent + 1));
      if (++sent === 20) clearInterval(drip);
    }, 100);
  }, { ...TRANSFER_LIMITS, stallMs: 1_000, slowestBytesPerSecond: 1 });
  expect((await read([0, 20])).bytes).toEqual(OBJECT.subarray(0, 20));
});

describe('ending a read', () => {
  test('an abort closes the connection at once, rejects with its reason, and the sink hears no more', async () => {
    const controller = new AbortController();
    const reason = new Error('stop');
    let more: (() => void) | undefined;
    const { server, client } = await against((head, socket) => {
      wrong({}, (good) => good.subarray(0, 1_000))(head, socket, 0);
      more = () => socket.write(OBJECT.subarray(0, 1_000));
    });
    let heard = 0;
    const read = client.read({ url: new URL(`${server.origin}/b/k`), what: 's3://b/k', range: { start: 0, end: 50_000 }, pin: PIN }, (chunk) => {
      heard += chunk.length;
      controller.abort(reason);
    }, controller.signal);
    await expect(read).rejects.toBe(reason);
    const before = heard;
    more?.();
    await eventually('the connection is closed', () => server.connections.open === 0);
    expect(heard).toBe(before);
  });

  test('what the sink throws is passed on as it is', async () => {
    const { client, server } = await against(serveRange(OBJECT));
    const full = new Error('disk full');
    const sink = (): void => {
      throw full;
    };
    await expect(client.read({ url: new URL(`${server.origin}/b/k`), what: 's3://b/k', range: { start: 0, end: 10 }, pin: PIN }, sink, never)).rejects.toBe(full);
    await eventually('the connection is closed', () => server.connections.open === 0);
  });

  test('an aborted wait for a connection leaves the others\' places alone', async () => {
    const held: (() => void)[] = [];
    const { read } = await against((head, socket, before) => void held.push(() => serveRange(OBJECT)(head, socket, before)));
    const reads = Array.from({ length: 32 }, () => read([0, 1]));
    await eventually('all connections taken', () => held.length === 32);
    const controller = new AbortController();
    const waiting = read([0, 1], PIN, controller.signal);
    const patient = read([1, 2]);
    controller.abort(new Error('stop'));
    await expect(waiting).rejects.toThrow('stop');
    for (const answer of held.splice(0)) answer();
    await Promise.all(reads);
    await eventually('the patient one\'s request', () => held.length === 1);
    for (const answer of held.splice(0)) answer();
    expect((await patient).bytes).toEqual(OBJECT.subarray(1, 2));
    const again = Array.from({ length: 32 }, () => read([0, 1]));
    await eventually('as many requests at once as before: no place was lost', () => held.length === 32);
    for (const answer of held.splice(0)) answer();
    await Promise.all(again);
  });

  test('closing the client ends reads in flight: E_STORE_UNAVAILABLE', async () => {
    const { client, server, read } = await against(() => undefined);
    const pending = read([0, 1]);
    await eventually('the request', () => server.requests.length === 1);
    client.close();
    await expectRejection('E_STORE_UNAVAILABLE', pending);
  });
});

test('no message shows a signature', async () => {
  const { read } = await against((_, socket) => void socket.end());
  const error = await read([0, 1]).catch((caught: unknown) => caught);
  expect(`${String(error)} ${String((error as Error).cause)}`).not.toMatch(/Signature|secret/);
});
