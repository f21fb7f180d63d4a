import { describe, expect, test } from '@jest/globals';
import { assert, integer, property, uniqueArray } from 'fast-check';
import { ResponseReader, type ResponseReceiver } from '../../../core/transfer/response-reader.ts';
import { codeOf } from '../refusal.ts';

interface Heard {
  readonly status: number[];
  body: string;
  excerpt: string | null;
}

function reading(verdict: 'body' | 'excerpt'): { readonly reader: ResponseReader; readonly heard: Heard } {
  const heard: Heard = { status: [], body: '', excerpt: null };
  const receiver: ResponseReceiver = {
    head: ({ status }) => {
      heard.status.push(status);
      return verdict;
    },
    chunk: (bytes) => void (heard.body += bytes.toString('latin1')),
    excerpt: (_, text) => void (heard.excerpt = text),
  };
  return { reader: new ResponseReader(receiver, 's3://b/k'), heard };
}
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('a response', () => {
  const whole = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 206 Partial Content\r\nContent-Length: 6\r\nX: y\r\n\r\nabcdef';

  test('reads the same however its bytes are cut', () => {
    assert(property(uniqueArray(integer({ min: 1, max: whole.length - 1 }), { maxLength: 12 }), (cuts) => {
      const { reader, heard } = reading('body');
      const edges = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
      for (const [index, edge] of edges.entries()) {
        if (index > 0) reader.feed(bytes(whole.slice(edges[index - 1], edge)));
        expect(reader.complete).toBe(edge === whole.length);
      }
      expect(heard).toEqual({ status: [206], body: 'abcdef', excerpt: null });
      expect(reader.keepAlive).toBe(true);
    }));
  });

  test('without body bytes is complete with its head', () => {
    const { reader } = reading('body');
    reader.feed(bytes('HTTP/1.1 206 x\r\nContent-Length: 0\r\n\r\n'));
    expect(reader.complete).toBe(true);
  });

  test('that says Connection: close is the last of its connection', () => {
    const { reader } = reading('body');
    reader.feed(bytes('HTTP/1.1 206 x\r\nContent-Length: 1\r\nConnection: Keep-Alive, CLOSE\r\n\r\na'));
    expect([reader.complete, reader.keepAlive]).toEqual([true, false]);
  });

  test('that goes on after its Content-Length is refused', () => {
    const { reader } = reading('body');
    expect(codeOf(() => reader.feed(bytes('HTTP/1.1 206 x\r\nContent-Length: 1\r\n\r\nab')))).toBe('E_STORE_RANGE');
  });

  test.each([
    ['no Content-Length', 'HTTP/1.1 206 x\r\n\r\n'],
    ['a transfer coding', 'HTTP/1.1 206 x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 206 x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n'],
    ['another protocol', 'SSH-2.0-x\r\n\r\n'],
    ['a head without end', `HTTP/1.1 206 x\r\nX: ${'y'.repeat(40_000)}`],
    ['a head beyond the limit', `HTTP/1.1 206 x\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`],
  ])('with %s is refused', (_, text) => expect(codeOf(() => reading('body').reader.feed(bytes(text)))).toBe('E_STORE_RANGE'));

  test.each([
    ['before its head', ''], ['in its head', 'HTTP/1.1 206 x\r\nContent-Le'], ['in its body', 'HTTP/1.1 206 x\r\nContent-Length: 9\r\n\r\nabc'],
  ])('that ends %s may be asked for again', (_, text) => {
    const { reader } = reading('body');
    reader.feed(bytes(text));
    expect(codeOf(() => reader.end())).toBe('E_STORE_UNAVAILABLE');
  });
});

describe('an error\'s document', () => {
  test.each([
    ['by length', 'HTTP/1.1 403 x\r\nContent-Length: 22\r\n\r\n<Code>Denied</Code>   '],
    ['in chunks', 'HTTP/1.1 403 x\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n<Code>Denied</Code>\r\n0\r\n\r\n'],
  ])('is gathered %s, and its connection is not used again', (_, text) => {
    const { reader, heard } = reading('excerpt');
    for (const byte of text) reader.feed(bytes(byte));
    expect(reader.complete).toBe(true);
    expect(heard.excerpt).toContain('<Code>Denied</Code>');
    expect(reader.keepAlive).toBe(false);
  });

  test('may end with its connection', () => {
    const { reader, heard } = reading('excerpt');
    reader.feed(bytes('HTTP/1.1 503 x\r\n\r\n<Code>Slow'));
    reader.end();
    expect(heard.excerpt).toBe('<Code>Slow');
  });

  test('is bounded, whatever length it claims', () => {
    const { reader, heard } = reading('excerpt');
    reader.feed(bytes(`HTTP/1.1 500 x\r\nContent-Length: 999999999\r\n\r\n${'z'.repeat(20_000)}`));
    expect(reader.complete).toBe(true);
    expect(heard.excerpt).toHaveLength(16 * 1024);
  });
});
