// Turns the bytes of one connection into one response: a bounded head, then exactly Content-Length body bytes, handed on as they come.
import { WeightlockError } from '../errors.ts';
import { contentLength, parseResponseHead, type ResponseHead } from './response-head.ts';

/** More than any S3 server sends; a head that passes it is refused. */
const MAX_HEAD_BYTES = 32 * 1024;
/** Of an error's document, for its code and message. */
const MAX_EXCERPT_BYTES = 16 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');
const LAST_CHUNK = '0\r\n\r\n';

export interface ResponseReceiver {
  /** Judges the final head. `body`: its bytes go to `chunk`, exactly Content-Length of them. `excerpt`: an error's document is gathered, then `excerpt` is called. */
  head(head: ResponseHead): 'body' | 'excerpt';
  chunk(bytes: Buffer): void;
  excerpt(head: ResponseHead, text: string): void;
}

type State =
  | { readonly at: 'head'; readonly seen: Buffer }
  | { readonly at: 'body'; left: number }
  | { readonly at: 'excerpt'; readonly head: ResponseHead; readonly length: number | null; seen: Buffer }
  | { readonly at: 'end' };

/** For one response. `feed` and `end` throw what the receiver throws, or E_STORE_RANGE (not HTTP as we speak it), E_STORE_UNAVAILABLE (ended early). */
export class ResponseReader {
  readonly #receiver: ResponseReceiver;
  readonly #what: string;
  #state: State = { at: 'head', seen: Buffer.alloc(0) };
  #keepAlive = false;

  constructor(receiver: ResponseReceiver, what: string) {
    this.#receiver = receiver;
    this.#what = what;
  }

  get complete(): boolean {
    return this.#state.at === 'end';
  }
  /** Whether the connection may carry another request; meaningful once complete. */
  get keepAlive(): boolean {
    return this.#keepAlive;
  }

  /** `bytes` is only valid during the call. */
  feed(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0 || (this.#state.at === 'body' && this.#state.left === 0)) {
      switch (this.#state.at) {
        case 'head': rest = this.#feedHead(this.#state.seen, rest); break;
        case 'body': rest = this.#feedBody(this.#state, rest); break;
        case 'excerpt': rest = this.#feedExcerpt(this.#state, rest); break;
        case 'end': throw this.#violation('sent more bytes than its Content-Length');
        default: return this.#state satisfies never;
      }
    }
  }

  /** The peer closed the connection. */
  end(): void {
    if (this.#state.at === 'excerpt') return this.#finishExcerpt(this.#state);
    if (this.#state.at === 'body') throw new WeightlockError('E_STORE_UNAVAILABLE', `the connection ended ${this.#state.left} bytes early while reading ${this.#what}`);
    if (this.#state.at === 'head') throw new WeightlockError('E_STORE_UNAVAILABLE', `the connection ended before an answer about ${this.#what}`);
  }

  #feedHead(seen: Buffer, bytes: Buffer): Buffer {
    const all = seen.length === 0 ? bytes : Buffer.concat([seen, bytes]);
    const end = all.indexOf(HEAD_END);
    if ((end < 0 ? all.length : end) > MAX_HEAD_BYTES) throw this.#violation(`sent a head of more than ${MAX_HEAD_BYTES} bytes`);
    if (end < 0) {
      this.#state = { at: 'head', seen: Buffer.from(all) };
      return Buffer.alloc(0);
    }
    const head = parseResponseHead(all.toString('latin1', 0, end));
    if (head === null) throw this.#violation('did not answer in HTTP/1.1');
    const rest = all.subarray(end + HEAD_END.length);
    if (head.status < 200) this.#state = { at: 'head', seen: Buffer.alloc(0) }; // interim responses (RFC 9110 §15.2) carry nothing for us
    else this.#begin(head);
    return rest;
  }

  #begin(head: ResponseHead): void {
    const length = contentLength(head);
    const verdict = this.#receiver.head(head);
    const closes = (head.headers.get('connection') ?? '').toLowerCase().split(',').some((option) => option.trim() === 'close');
    if (verdict === 'body') {
      if (length === null || head.headers.has('transfer-encoding')) throw this.#violation('answered a range without a plain Content-Length');
      this.#keepAlive = !closes;
      this.#state = { at: 'body', left: length };
    } else {
      this.#state = { at: 'excerpt', head, length: head.headers.has('transfer-encoding') ? null : length, seen: Buffer.alloc(0) };
      if (length === 0) this.#finishExcerpt(this.#state);
    }
  }

  #feedBody(state: { left: number }, bytes: Buffer): Buffer {
    const now = bytes.length > state.left ? bytes.subarray(0, state.left) : bytes;
    state.left -= now.length;
    if (state.left === 0) this.#state = { at: 'end' };
    if (now.length > 0) this.#receiver.chunk(now);
    return bytes.subarray(now.length);
  }

  /** Errors may be chunked; their framing is left in the text, whose tags are still found, and the connection is not used again. */
  #feedExcerpt(state: State & { at: 'excerpt' }, bytes: Buffer): Buffer {
    state.seen = Buffer.concat([state.seen, bytes]);
    const whole = state.length === null ? state.seen.subarray(-LAST_CHUNK.length).toString('latin1') === LAST_CHUNK : state.seen.length >= state.length;
    if (whole || state.seen.length >= MAX_EXCERPT_BYTES) this.#finishExcerpt(state);
    return Buffer.alloc(0);
  }

  #finishExcerpt(state: State & { at: 'excerpt' }): void {
    this.#state = { at: 'end' };
    this.#receiver.excerpt(state.head, state.seen.toString('utf8', 0, MAX_EXCERPT_BYTES));
  }

  #violation(what: string): WeightlockError {
    return new WeightlockError('E_STORE_RANGE', `the server ${what} when asked for ${this.#what}`, { next: 'Check the endpoint and whatever proxies stand before it.' });
  }
}
