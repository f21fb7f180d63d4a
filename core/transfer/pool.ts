// Connections to one origin: at most so many, the last used first, none that the server has closed.
import { type Connection, openConnection, type TransferLimits } from './connection.ts';

export class ConnectionPool {
  readonly #open: (signal: AbortSignal) => Promise<Connection>;
  readonly #idle: Connection[] = [];
  readonly #leased = new Set<Connection>();
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #closed = false;

  constructor(origin: URL, caPem: string | undefined, limits: TransferLimits, maxConnections: number) {
    this.#open = (signal) => openConnection(origin, caPem, limits, signal);
    this.#free = maxConnections;
  }

  /** Runs `use` with a connection of its own, waiting for one where all are taken. `fresh`: one that never carried a request. */
  async lease<T>(use: (connection: Connection) => Promise<T>, fresh: boolean, signal: AbortSignal): Promise<T> {
    await this.#slot(signal);
    try {
      const connection = await this.#take(fresh, signal);
      this.#leased.add(connection);
      try {
        return await use(connection);
      } finally {
        this.#leased.delete(connection);
        this.#putBack(connection);
      }
    } finally {
      this.#release();
    }
  }

  /** Closes every connection; a request in flight fails with E_STORE_UNAVAILABLE. */
  close(): void {
    this.#closed = true;
    for (const connection of [...this.#idle.splice(0), ...this.#leased]) connection.close();
  }

  /** A slot is handed from its last holder straight to whoever waited longest, so that none is lost or overtaken. */
  async #slot(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      this.#waiting.splice(this.#waiting.indexOf(grant), 1);
      reject(signal.reason as Error);
    };
    const grant = (): void => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#waiting.push(grant);
    return promise;
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }

  async #take(fresh: boolean, signal: AbortSignal): Promise<Connection> {
    for (let kept = this.#idle.pop(); kept !== undefined; kept = this.#idle.pop()) {
      if (kept.usable && !fresh) return kept;
      kept.close();
    }
    return this.#open(signal);
  }

  #putBack(connection: Connection): void {
    if (this.#closed || !connection.usable) return connection.close();
    connection.rest();
    this.#idle.push(connection);
  }
}
