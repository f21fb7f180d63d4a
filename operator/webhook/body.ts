// Reads a request's body, bounded in bytes and time, and in what all requests hold together.
import type { IncomingMessage } from 'node:http';

export type Body = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'too long' } | { readonly kind: 'no room' };

/**
 * Anything but text: the caller answers and closes the connection. `take` is asked for room for each chunk. Rejects with the signal's reason, or where
 * the peer went away.
 */
export async function readBody(request: IncomingMessage, limitBytes: number, take: (bytes: number) => boolean, signal: AbortSignal): Promise<Body> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) return { kind: 'too long' };
  const giveUp = (): void => {
    request.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  };
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    signal.throwIfAborted();
    const chunks: Buffer[] = [];
    let held = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      held += chunk.length;
      if (held > limitBytes) return { kind: 'too long' };
      if (!take(chunk.length)) return { kind: 'no room' };
      chunks.push(chunk);
    }
    return { kind: 'text', text: Buffer.concat(chunks).toString('utf8') };
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
