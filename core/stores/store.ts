// What Weightlock asks of an object store. Reading and publishing are separate interfaces: a decryptor never holds a writer.

export interface ByteRange {
  /** First byte. */
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
}

export interface StoredBytes {
  readonly bytes: Buffer;
  /** Names exactly these bytes: an ETag, or the file store's (inode, mtime, size). */
  readonly etag: string;
}

/** Receives a range's bytes in order. Synchronous; `chunk` is valid only during the call and may be overwritten by the receiver. */
export type RangeSink = (chunk: Buffer) => void;

/**
 * One stored object, pinned to the bytes first seen: every read carries If-Match of the first (format.md §4).
 * `size` is the whole object's length as the store reports it.
 */
export interface OpenObject {
  readonly size: number;
  readonly etag: string;
  /**
   * Streams `range` to `sink` once, in order; resolves when all of it was delivered. One attempt: throws E_STORE_UNAVAILABLE / _THROTTLED (the
   * caller resumes after the last byte it could use), E_STORE_CHANGED (If-Match failed), E_STORE_RANGE (the server answered another range),
   * E_STORE_DENIED, E_STORE_NOT_FOUND; a sink's own exception is passed on. After it settles the sink hears nothing more.
   */
  read(range: ByteRange, sink: RangeSink, signal: AbortSignal): Promise<void>;
}

/** Keys are relative to the prefix (`versions/…json`). Every call makes its own bounded retries of E_STORE_UNAVAILABLE/_THROTTLED but for OpenObject.read. */
export interface StoreReader {
  /** For people: `s3://bucket/prefix`. No credentials, no query. */
  readonly url: string;
  /** A whole small object. Throws E_LIMIT_SIZE when it is larger than `maxBytes` (before reading more than that). */
  readSmall(key: string, maxBytes: number, signal: AbortSignal): Promise<StoredBytes>;
  /** `head` receives up to the first `headBytes` bytes with the same request that learns size and ETag: one round trip a file. */
  openObject(key: string, headBytes: number, signal: AbortSignal): Promise<{ readonly object: OpenObject; readonly head: Buffer }>;
  /** Keys under `folder/`, in the store's order, page by page. */
  list(folder: string, signal: AbortSignal): AsyncIterable<{ readonly key: string; readonly size: number; readonly modified: Date }>;
  close(): void;
}

export type PutCondition =
  | { readonly kind: 'create' } // If-None-Match: *
  | { readonly kind: 'replace'; readonly etag: string }; // If-Match

/** Publishing. E_STORE_CONFLICT = the condition did not hold (412/409); nothing was changed. */
export interface StoreWriter extends StoreReader {
  /**
   * Whether this store enforces PutCondition: true until a write showed otherwise, so ask after publishing. Where not, the CLI says that two publishers
   * must not meet.
   */
  readonly conditional: boolean;
  putSmall(key: string, bytes: Buffer, condition: PutCondition, signal: AbortSignal): Promise<{ readonly etag: string }>;
  /**
   * Streams an object of exactly `length` bytes, create-only. Constant memory; parts are sent again from their buffer, never asked for again.
   * Nothing is visible under `key` until all of it arrived; an aborted upload leaves no object and no pending parts behind where the store allows.
   */
  putStream(key: string, length: number, body: AsyncIterable<Buffer>, signal: AbortSignal): Promise<{ readonly etag: string }>;
  remove(key: string, signal: AbortSignal): Promise<void>;
}
