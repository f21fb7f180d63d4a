// Cuts a stream into parts and sends a few of them at once from a fixed set of buffers: memory stays constant, and a part that failed is sent again from
// its buffer, never asked for again.
import type { CompletedPart } from '@aws-sdk/client-s3';
import { needs } from '../errors.ts';

const MIB = 1024 * 1024;
/** S3: at most 10,000 parts; ours have 8 MiB, or as much more as that demands. */
const MAX_PARTS = 10_000;
const USUAL_PART_BYTES = 8 * MIB;
/** Parts in flight: as many as fit here, at least one and at most four. */
const BUFFER_BUDGET_BYTES = 64 * MIB;
const MAX_IN_FLIGHT = 4;

/** Whole MiB, at least 8, so that `length` bytes fit into 10,000 parts. */
export const partBytesFor = (length: number): number => Math.max(USUAL_PART_BYTES, Math.ceil(Math.ceil(length / MAX_PARTS) / MIB) * MIB);
export const partsInFlight = (partBytes: number): number => Math.max(1, Math.min(MAX_IN_FLIGHT, Math.floor(BUFFER_BUDGET_BYTES / partBytes)));

/** Sends part `number` (from 1), with retries of its own; `bytes` stay as they are until it settles. */
export type SendPart = (number: number, bytes: Buffer, signal: AbortSignal) => Promise<{ readonly ETag?: string | undefined; readonly ChecksumCRC32?: string | undefined }>;

/**
 * Sends all of `body`, which must have exactly `length` bytes (else E_INTERNAL). Throws what `send` or `body` threw first; then no part is in flight any
 * more. While all buffers are taken, `body` is not asked for more.
 */
export async function sendParts(body: AsyncIterable<Buffer>, length: number, send: SendPart, signal: AbortSignal): Promise<readonly CompletedPart[]> {
  const partBytes = partBytesFor(length);
  const parts = new PartsInFlight(partBytes, send, signal);
  try {
    let buffer = await parts.takeBuffer();
    let filled = 0;
    let total = 0;
    for await (const chunk of body) {
      total += chunk.length;
      needs(total <= length, 'E_INTERNAL', `a stream of ${length} bytes went on after them`);
      for (let at = 0; at < chunk.length;) {
        const copied = chunk.copy(buffer, filled, at);
        at += copied;
        filled += copied;
        if (filled < partBytes) continue;
        parts.send(buffer, filled);
        buffer = await parts.takeBuffer();
        filled = 0;
      }
    }
    needs(total === length, 'E_INTERNAL', `a stream of ${length} bytes ended after ${total}`);
    if (filled > 0) parts.send(buffer, filled);
    return await parts.finish();
  } catch (error) {
    await parts.stop();
    throw error;
  }
}

class PartsInFlight {
  readonly #send: SendPart;
  readonly #free: Buffer[];
  readonly #sending = new Set<Promise<void>>();
  readonly #parts: CompletedPart[] = [];
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #count = 0;
  #failure: { readonly error: unknown } | null = null;

  constructor(partBytes: number, send: SendPart, signal: AbortSignal) {
    this.#send = send;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    this.#free = Array.from({ length: partsInFlight(partBytes) }, () => Buffer.allocUnsafeSlow(partBytes));
  }

  async takeBuffer(): Promise<Buffer> {
    while (this.#free.length === 0 && this.#failure === null) await Promise.race(this.#sending);
    this.#throwFailure();
    const buffer = this.#free.pop();
    if (buffer === undefined) throw new Error('a part buffer was lost');
    return buffer;
  }

  send(buffer: Buffer, filled: number): void {
    const number = ++this.#count;
    const sending = this.#send(number, buffer.subarray(0, filled), this.#signal)
      .then(({ ETag, ChecksumCRC32 }) => {
        this.#parts[number - 1] = { PartNumber: number, ...(ETag === undefined ? {} : { ETag }), ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }) };
      })
      .catch((error: unknown) => {
        this.#failure ??= { error };
        this.#stop.abort();
      })
      .finally(() => {
        this.#free.push(buffer);
        this.#sending.delete(sending);
      });
    this.#sending.add(sending);
  }

  async finish(): Promise<readonly CompletedPart[]> {
    await Promise.all(this.#sending);
    this.#throwFailure();
    return this.#parts;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#sending);
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
    this.#signal.throwIfAborted();
  }
}
