// Reads byte ranges over HTTP/1.1, strictly: 206 with exactly the range, length and ETag asked for, or an error that says what came instead. It follows
// no redirect, decodes no encoding and knows no proxy.
import { WeightlockError } from '../errors.ts';
import type { ByteRange, RangeSink } from '../stores/store.ts';
import { type Connection, TRANSFER_LIMITS, type TransferLimits } from './connection.ts';
import { ConnectionPool } from './pool.ts';
import { contentLength, contentRange, type ResponseHead } from './response-head.ts';
import type { ResponseReceiver } from './response-reader.ts';

/** Of one origin: performance.md's 32. */
const MAX_CONNECTIONS = 32;

export interface RangeRequest {
  /** Signed or plain; it never enters a message. */
  readonly url: URL;
  /** For people: `s3://bucket/key`. */
  readonly what: string;
  readonly range: ByteRange;
  /** What an earlier answer said; sent as If-Match and compared. null: the first read, whose range may end beyond the object's end. */
  readonly pin: { readonly etag: string; readonly size: number } | null;
}

export type RangeAnswer =
  /** The sink got all of it. */
  | { readonly kind: 'delivered'; readonly etag: string; readonly size: number }
  /** 416 on a first read from the beginning: an object without bytes. */
  | { readonly kind: 'empty'; readonly etag: string }
  /** Any other status but 206, with the beginning of its body. Nothing was delivered. */
  | { readonly kind: 'refused'; readonly status: number; readonly headers: ReadonlyMap<string, string>; readonly body: string };

export class RangeClient {
  readonly #pools = new Map<string, ConnectionPool>();
  readonly #caPem: string | undefined;
  readonly #limits: TransferLimits;

  constructor(options: { readonly caPem?: string; readonly limits?: TransferLimits } = {}) {
    this.#caPem = options.caPem;
    this.#limits = options.limits ?? TRANSFER_LIMITS;
  }

  /**
   * One GET, bytes to `sink` in order. Throws E_STORE_UNAVAILABLE (no connection, ended early, stalled), E_STORE_RANGE (not the range that was asked for,
   * a transfer or content coding, not HTTP/1.1), E_STORE_CHANGED (another size or ETag than pinned), the sink's own exception, the signal's reason.
   */
  async read(request: RangeRequest, sink: RangeSink, signal: AbortSignal): Promise<RangeAnswer> {
    const pool = this.#poolOf(request.url);
    // A server may have closed a kept connection just before we used it: then, and only then, the request goes out once more, on a new one.
    const again = Symbol('again');
    const tries = async (fresh: boolean): Promise<RangeAnswer | typeof again> =>
      pool.lease((connection) => this.#once(connection, request, sink, signal, again), fresh, signal);
    const first = await tries(false);
    const answer = first === again ? await tries(true) : first;
    if (answer === again) throw new Error('a fresh connection was taken for a reused one');
    return answer;
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close();
    this.#pools.clear();
  }

  async #once<A>(connection: Connection, request: RangeRequest, sink: RangeSink, signal: AbortSignal, again: A): Promise<RangeAnswer | A> {
    const receiver = new RangeReceiver(request, sink);
    try {
      await connection.exchange(requestText(request), receiver, request.what, request.range.end - request.range.start, signal);
    } catch (error) {
      const stale = connection.reused && !receiver.heard && error instanceof WeightlockError && error.code === 'E_STORE_UNAVAILABLE' && !signal.aborted;
      if (stale) return again;
      throw error;
    }
    return receiver.answer;
  }

  #poolOf(url: URL): ConnectionPool {
    const pool = this.#pools.get(url.origin) ?? new ConnectionPool(new URL(url.origin), this.#caPem, this.#limits, MAX_CONNECTIONS);
    this.#pools.set(url.origin, pool);
    return pool;
  }
}

function requestText({ url, range, pin }: RangeRequest): string {
  const lines = [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    `Range: bytes=${range.start}-${range.end - 1}`,
    ...(pin === null ? [] : [`If-Match: ${pin.etag}`]), // format.md §4: all GETs of one object carry If-Match of the first
    'Accept-Encoding: identity',
    'User-Agent: weightlock',
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Holds an answer against its request, before the first body byte is handed on. */
class RangeReceiver implements ResponseReceiver {
  readonly #request: RangeRequest;
  readonly #sink: RangeSink;
  #answer: RangeAnswer | null = null;

  constructor(request: RangeRequest, sink: RangeSink) {
    this.#request = request;
    this.#sink = sink;
  }

  get heard(): boolean {
    return this.#answer !== null;
  }
  get answer(): RangeAnswer {
    if (this.#answer === null) throw new Error('an answer was asked for before it came');
    return this.#answer;
  }

  head(head: ResponseHead): 'body' | 'excerpt' {
    const refused = { kind: 'refused', status: head.status, headers: head.headers, body: '' } as const;
    this.#answer = refused;
    if (head.status === 200) throw this.#wrong('a whole object (200): it ignores Range');
    if (head.status !== 206) return 'excerpt';
    this.#answer = { kind: 'delivered', ...this.#check(head) };
    return 'body';
  }

  chunk(bytes: Buffer): void {
    this.#sink(bytes);
  }

  excerpt(head: ResponseHead, text: string): void {
    const size = contentRange(head)?.size;
    const { pin } = this.#request;
    if (head.status === 416 && pin !== null && size !== undefined && size !== pin.size) throw this.#changed(`it had ${pin.size} bytes and now has ${size}`);
    // Bytes from the first on are unsatisfiable only where there are none.
    if (head.status === 416 && pin === null && this.#request.range.start === 0 && (size ?? 0) === 0) this.#answer = { kind: 'empty', etag: head.headers.get('etag') ?? '' };
    else this.#answer = { kind: 'refused', status: head.status, headers: head.headers, body: text };
  }

  /** RFC 9110 §15.3.7: a 206 to a single range carries its Content-Range; ours must be exactly what was asked for. */
  #check(head: ResponseHead): { readonly etag: string; readonly size: number } {
    const { range: asked, pin } = this.#request;
    const got = contentRange(head);
    if (got === null || got.start === null || got.end === null) throw this.#wrong(`an unreadable Content-Range (${shown(head, 'content-range')})`);
    if (pin !== null && got.size !== pin.size) throw this.#changed(`it had ${pin.size} bytes and now has ${got.size}`);
    const end = pin === null ? Math.min(asked.end, got.size) : asked.end;
    if (got.start !== asked.start || got.end !== end || got.end > got.size) throw this.#wrong(`bytes ${got.start}-${got.end - 1} of ${got.size}`);
    if (contentLength(head) !== got.end - got.start) throw this.#wrong(`a Content-Length (${shown(head, 'content-length')}) that is not the range's`);
    if ((head.headers.get('content-encoding') ?? 'identity').toLowerCase() !== 'identity') throw this.#wrong(`an encoded body (${shown(head, 'content-encoding')})`);
    const etag = head.headers.get('etag') ?? '';
    // RFC 9110 §8.8.3: only a strong entity tag names exactly these bytes, and only such a one can be sent back in If-Match.
    if (!/^"[^"]+"$/.test(etag)) throw this.#wrong(`no strong ETag (${shown(head, 'etag')}), so later reads could not be pinned to these bytes`);
    if (pin !== null && etag !== pin.etag) throw this.#changed('its ETag is another one now');
    return { etag, size: got.size };
  }

  #wrong(what: string): WeightlockError {
    const { range, what: object } = this.#request;
    return new WeightlockError('E_STORE_RANGE', `asked for bytes ${range.start}-${range.end - 1} of ${object}, the server answered with ${what}`,
      { next: 'Check the endpoint and whatever proxies or caches stand before it: they must serve single ranges unchanged.' });
  }

  #changed(how: string): WeightlockError {
    return new WeightlockError('E_STORE_CHANGED', `${this.#request.what} was replaced while it was being read: ${how}`,
      { next: 'Stored objects never change: somebody wrote over this one. Look at the bucket\'s access log, then publish again.' });
  }
}

const shown = (head: ResponseHead, name: string): string => JSON.stringify((head.headers.get(name) ?? 'none').slice(0, 100));
