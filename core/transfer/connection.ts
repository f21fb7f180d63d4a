// One keep-alive connection to one origin over node:net or node:tls, read through `onread` into one static buffer: no allocation and no copy per read
// (performance.md: the HTTP client decides the speed). One request at a time.
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { WeightlockError } from '../errors.ts';
import { type ResponseReceiver, ResponseReader } from './response-reader.ts';

export interface TransferLimits {
  /** To a TCP and TLS connection. */
  readonly connectMs: number;
  /** Without a byte while an answer is due. */
  readonly stallMs: number;
  /** Below this many bytes a second on average, after a first `stallMs`, a range has missed its deadline: a server that drips bytes cannot hold us for ever. */
  readonly slowestBytesPerSecond: number;
  /** An unused connection is closed after this time; servers close theirs after 5 to 60 s. */
  readonly idleMs: number;
}

export const TRANSFER_LIMITS: TransferLimits = { connectMs: 10_000, stallMs: 20_000, slowestBytesPerSecond: 64 * 1024, idleMs: 4_000 };

/** One read's most: large enough that a callback's cost doesn't count, small enough that 32 of them don't either. */
const READ_BUFFER_BYTES = 256 * 1024;

interface Exchange {
  readonly reader: ResponseReader;
  settle(error?: unknown): void;
  /** Bytes came. */
  progress(): void;
}

const unavailable = (words: string, cause?: unknown): WeightlockError =>
  new WeightlockError('E_STORE_UNAVAILABLE', words, { next: 'It is tried again by itself; if it stays, check the service, the network policy and the endpoint (HTTP proxies are not used).', ...(cause === undefined ? {} : { cause }) });

/** Set by node:tls when the certificate was looked at and refused. */
const isUntrusted = (socket: Socket): boolean => socket instanceof TLSSocket && Boolean(socket.authorizationError);
const untrusted = (origin: URL, cause: Error): WeightlockError =>
  new WeightlockError('E_ENDPOINT_REFUSED', `${origin.origin} does not prove to be itself: ${cause.message}`, { next: 'Check the endpoint, its certificate and the authorities trusted here.', cause });

/** Opens a connection. Throws E_STORE_UNAVAILABLE, E_ENDPOINT_REFUSED (a certificate that is not valid for the host), or the signal's reason. */
export async function openConnection(origin: URL, caPem: string | undefined, limits: TransferLimits, signal: AbortSignal): Promise<Connection> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const connection = new Connection(origin, caPem, limits);
    const { socket } = connection;
    const timer = setTimeout(() => fail(unavailable(`no connection to ${origin.origin} within ${limits.connectMs / 1000} s`)), limits.connectMs);
    const onAbort = (): void => fail(signal.reason);
    const onError = (error: Error): void => fail(isUntrusted(socket) ? untrusted(origin, error) : unavailable(`no connection to ${origin.origin}: ${error.message}`, error));
    const onClose = (): void => fail(unavailable(`${origin.origin} closed the connection while it was being made`));
    const ready = origin.protocol === 'https:' ? 'secureConnect' : 'connect';
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError).off('close', onClose).off(ready, onReady);
    };
    const fail = (error: unknown): void => {
      done();
      connection.close();
      reject(error);
    };
    const onReady = (): void => {
      done();
      connection.watch();
      resolve(connection);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError).once('close', onClose).once(ready, onReady);
  });
}

export class Connection {
  readonly socket: Socket;
  readonly #limits: TransferLimits;
  #exchange: Exchange | null = null;
  #usable = true;
  #requests = 0;

  constructor(origin: URL, caPem: string | undefined, limits: TransferLimits) {
    this.#limits = limits;
    const host = origin.hostname.replace(/^\[(.*)\]$/, '$1');
    const onread = {
      buffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
      callback: (count: number, buffer: Uint8Array): boolean => {
        this.#receive(Buffer.from(buffer.buffer, buffer.byteOffset, count));
        return true;
      },
    };
    const common = { host, onread, noDelay: true } as const;
    this.socket = origin.protocol === 'https:'
      ? connectTls({ ...common, port: Number(origin.port || 443), ...(isIP(host) === 0 ? { servername: host } : {}), ALPNProtocols: ['http/1.1'], ...(caPem === undefined ? {} : { ca: caPem }) })
      : connectTcp({ ...common, port: Number(origin.port || 80) });
    this.socket.on('error', () => undefined); // heard where it matters: while connecting and during an exchange; idle, 'close' follows
  }

  /** Whether another request may be sent. */
  get usable(): boolean {
    return this.#usable;
  }
  /** Whether it carried a request before: then the server may have closed it meanwhile. */
  get reused(): boolean {
    return this.#requests > 1;
  }

  /** From now on the socket's fate is the exchange's. */
  watch(): void {
    this.socket
      .on('error', (error) => this.#broke(unavailable(`the connection broke: ${error.message}`, error)))
      .on('end', () => this.#ended())
      .on('close', () => this.#ended())
      .on('timeout', () => this.close());
  }

  /** Idle: closes itself after a while, and lets the process end. */
  rest(): void {
    this.socket.setTimeout(this.#limits.idleMs).unref();
  }

  close(): void {
    this.#usable = false;
    this.socket.destroy();
  }

  /**
   * Sends `request` and feeds the answer to `receiver` until it is complete. `bytes`: how many body bytes are due, for the deadline. Rejects with what the
   * receiver threw, with the signal's reason at once, or E_STORE_UNAVAILABLE / E_STORE_RANGE; then the connection is closed and the receiver hears no more.
   */
  exchange(request: string, receiver: ResponseReceiver, what: string, bytes: number, signal: AbortSignal): Promise<void> {
    this.#requests++;
    this.socket.setTimeout(0).ref();
    const { stallMs, slowestBytesPerSecond } = this.#limits;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => settle(signal.reason);
      const stall = setTimeout(() => settle(unavailable(`no byte of ${what} came for ${stallMs / 1000} s`)), stallMs);
      const deadlineMs = stallMs + (bytes / slowestBytesPerSecond) * 1000;
      const deadline = setTimeout(() => settle(unavailable(`${what} came at less than ${slowestBytesPerSecond} bytes a second`)), deadlineMs);
      const settle = (error?: unknown): void => {
        if (this.#exchange === null) return;
        const { reader } = this.#exchange;
        this.#exchange = null;
        clearTimeout(stall);
        clearTimeout(deadline);
        signal.removeEventListener('abort', onAbort);
        if (error !== undefined || !reader.keepAlive) this.close();
        if (error === undefined) resolve();
        else reject(error);
      };
      this.#exchange = { reader: new ResponseReader(receiver, what), settle, progress: () => void stall.refresh() };
      if (signal.aborted) return settle(signal.reason);
      if (!this.#usable) return settle(unavailable('the connection was closed'));
      signal.addEventListener('abort', onAbort, { once: true });
      this.socket.write(request, 'latin1');
    });
  }

  #receive(bytes: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === null) return this.close(); // bytes nobody asked for
    try {
      exchange.progress();
      exchange.reader.feed(bytes);
      if (exchange.reader.complete) exchange.settle();
    } catch (error) {
      exchange.settle(error);
    }
  }

  #ended(): void {
    this.#usable = false;
    const exchange = this.#exchange;
    if (exchange === null) return this.close();
    try {
      exchange.reader.end();
      exchange.settle();
    } catch (error) {
      exchange.settle(error);
    }
  }

  #broke(error: WeightlockError): void {
    this.#usable = false;
    this.#exchange?.settle(error);
  }
}
