// Stands between a reader and a real S3 server, and does to single answers what networks, throttles and attackers do: holds, cuts, alters, refuses them.
import { once } from 'node:events';
import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import { listenOnFreePort } from '../../support/free-port.ts';

export type Treatment =
  | { readonly kind: 'pass' }
  /** Nothing is answered until the gate is opened or closed. */
  | { readonly kind: 'hold' }
  /** S3's way to say no, with its XML. */
  | { readonly kind: 'refuse'; readonly status: number; readonly code: string }
  /** The connection ends after so many bytes of the body. */
  | { readonly kind: 'cut'; readonly after: number }
  /** One bit of the body is flipped. */
  | { readonly kind: 'flip'; readonly at: number };

export interface Asked {
  /** Path below the bucket and prefix: `objects/…`. */
  readonly key: string;
  readonly range: string | undefined;
  /** How many requests for this key came before. */
  readonly before: number;
}

export interface S3Gate {
  readonly origin: string;
  readonly asked: readonly Asked[];
  /** How many answers are being held. */
  held(): number;
  /** Lets everything through, also what is held. */
  open(): void;
  close(): Promise<void>;
}

/** `base`: path of bucket and prefix, `/models/tiny`. */
export async function startS3Gate(target: string, base: string, treat: (asked: Asked) => Treatment): Promise<S3Gate> {
  const asked: Asked[] = [];
  const counts = new Map<string, number>();
  const waiting: (() => void)[] = [];
  let opened = false;

  const pass = (incoming: IncomingMessage, response: ServerResponse, change: (body: Buffer) => Buffer | number): void => {
    const onward = send(target, { method: incoming.method, path: incoming.url, headers: incoming.headers }, (real) => {
      void collect(real).then((body) => {
        const changed = change(body);
        response.writeHead(real.statusCode ?? 500, real.headers);
        if (typeof changed !== 'number') return void response.end(changed);
        response.write(body.subarray(0, changed), () => response.destroy());
      });
    });
    onward.on('error', () => response.destroy());
    incoming.pipe(onward);
  };

  const server = createServer((incoming, response) => {
    const path = new URL(incoming.url ?? '/', target).pathname;
    const key = path.startsWith(`${base}/`) ? path.slice(base.length + 1) : path;
    const before = counts.get(key) ?? 0;
    counts.set(key, before + 1);
    const one = { key, range: incoming.headers.range, before };
    asked.push(one);
    const treatment: Treatment = opened ? { kind: 'pass' } : treat(one);
    switch (treatment.kind) {
      case 'pass': return pass(incoming, response, (body) => body);
      case 'hold': return void waiting.push(() => pass(incoming, response, (body) => body));
      case 'cut': return pass(incoming, response, (body) => Math.min(treatment.after, body.length));
      case 'flip': return pass(incoming, response, (body) => {
        body.writeUInt8(body.readUInt8(treatment.at) ^ 1, treatment.at);
        return body;
      });
      case 'refuse': {
        incoming.resume();
        const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${treatment.code}</Code><Message>planned</Message></Error>`;
        return void response.writeHead(treatment.status, { 'content-type': 'application/xml', 'content-length': body.length }).end(body);
      }
      default: return treatment satisfies never;
    }
  });
  const port = await listenOnFreePort(server);
  return {
    origin: `http://127.0.0.1:${port}`,
    asked,
    held: () => waiting.length,
    open: () => {
      opened = true;
      for (const go of waiting.splice(0)) go();
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function collect(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
