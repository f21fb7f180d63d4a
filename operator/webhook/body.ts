// Reads a request's body, bounded in bytes and time.
import type { IncomingMessage } from 'node:http';

/** undefined: longer than `limitBytes`; the caller answers and closes the connection. Rejects with the signal's reason, or where the peer went away. */
export async function readBody(request: IncomingMessage, limitBytes: number, signal: AbortSignal): Promise<string | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) return undefined;
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
      if (held > limitBytes) return undefined;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
