import { describe, expect, test } from '@jest/globals';
import { contentLength, contentRange, parseResponseHead, type ResponseHead } from '../../../core/transfer/response-head.ts';

const parse = (...lines: string[]): ResponseHead | null => parseResponseHead(lines.join('\r\n'));
const withField = (name: string, ...values: string[]): ResponseHead => parse('HTTP/1.1 206 Partial Content', ...values.map((value) => `${name}: ${value}`)) ?? { status: 0, headers: new Map() };

test('a head is its status and its fields, names in lower case, space around values gone', () => {
  const head = parse('HTTP/1.1 206 Partial Content', 'Content-Length: 5', 'ETag:"a b"  ', 'X-Empty:', 'X-Latin: gr\xfc\xdfe');
  expect(head?.status).toBe(206);
  expect(Object.fromEntries(head?.headers ?? [])).toEqual({ 'content-length': '5', etag: '"a b"', 'x-empty': '', 'x-latin': 'gr\xfc\xdfe' });
});

test.each([
  ['HTTP/1.0 200 OK'], ['HTTP/2 200'], ['HTTP/1.1 2000 OK'], ['HTTP/1.1 099 OK'], ['HTTP/1.1 200\tOK'], [' HTTP/1.1 200 OK'], ['ICY 200 OK'], [''],
  ['HTTP/1.1 200 OK', 'no colon'], ['HTTP/1.1 200 OK', 'Content-Length : 5'], ['HTTP/1.1 200 OK', ' folded: line'], ['HTTP/1.1 200 OK', 'a: b\x00c'], ['HTTP/1.1 200 OK', 'a: b\nc: d'],
  ['HTTP/1.1 200 OK', 'a: b\rc: d'], ['HTTP/1.1 200 OK', ': b'],
])('not a head: %j %j', (...lines) => expect(parse(...lines.filter((line) => line !== undefined))).toBeNull());

describe('Content-Length', () => {
  test.each([['0', 0], ['8388608', 8388608], ['00012', 12]])('%j is %d', (text, value) => expect(contentLength(withField('Content-Length', text))).toBe(value));
  test.each([['-1'], ['+1'], ['1e3'], ['0x10'], ['1.0'], ['99999999999999999'], ['9007199254740993'], [''], ['5 5'], ['5, 5']])('%j is none', (text) => expect(contentLength(withField('Content-Length', text))).toBeNull());
  test('a repeated one is none, even where both agree', () => expect(contentLength(withField('Content-Length', '5', '5'))).toBeNull());
});

describe('Content-Range', () => {
  test('ends exclusively for us', () => expect(contentRange(withField('Content-Range', 'bytes 0-0/1'))).toEqual({ start: 0, end: 1, size: 1 }));
  test('of an unsatisfied range names the size only', () => expect(contentRange(withField('Content-Range', 'bytes */0'))).toEqual({ start: null, end: null, size: 0 }));
  test.each(['bytes 0-1/*', 'bytes=0-1/2', 'bytes 0-1', 'items 0-1/2', 'bytes -1/2', 'bytes 0-1/9007199254740993', 'bytes 0-1/2, bytes 0-1/2', ''])('%j is none', (text) => expect(contentRange(withField('Content-Range', text))).toBeNull());
});
