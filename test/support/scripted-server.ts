// An HTTP server that does wrong on purpose: a test writes the raw bytes of every answer, and sees the raw head of every request.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { listenOnFreePort } from './free-port.ts';

export interface ScriptedServer {
  readonly port: number;
  readonly origin: string;
  /** Heads of all requests so far, in the order they came. */
  readonly requests: readonly string[];
  /** Connections accepted so far, and those still open. */
  readonly connections: { readonly accepted: number; readonly open: number };
  close(): Promise<void>;
}

/** Called with each request's head, its connection, and how many requests came before it. */
export type Script = (head: string, socket: Socket, before: number) => void;

export async function startScriptedServer(script: Script, options: { readonly tls?: { readonly cert: string; readonly key: string }; readonly host?: string } = {}): Promise<ScriptedServer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let accepted = 0;
  const onConnection = (socket: Socket): void => {
    accepted++;
    sockets.add(socket);
    let text = '';
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined).on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, end);
        text = text.slice(end + 4);
        requests.push(head);
        script(head, socket, requests.length - 1);
      }
    });
  };
  const server: Server = options.tls === undefined ? createServer(onConnection) : createTlsServer(options.tls, onConnection);
  const host = options.host ?? '127.0.0.1';
  const port = await listenOnFreePort(server, host);
  return {
    port,
    origin: `${options.tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    requests,
    connections: { get accepted() { return accepted; }, get open() { return sockets.size; } },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** `HTTP/1.1 STATUS` with the given fields, and the empty line. */
export const responseHead = (status: number, fields: Readonly<Record<string, string | number>>): string =>
  `HTTP/1.1 ${status} Scripted\r\n${Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;

/** The range a request head asks for, end exclusive. */
export function askedRange(head: string): { readonly start: number; readonly end: number } {
  const [, first = '', last = ''] = /^range: bytes=([0-9]+)-([0-9]+)$/im.exec(head) ?? [];
  return { start: Number(first), end: Number(last) + 1 };
}

/** Answers as a good server of `bytes` does. */
export function serveRange(bytes: Buffer, etag = '"one"'): Script {
  return (head, socket) => {
    const { start, end } = askedRange(head);
    const part = bytes.subarray(start, end);
    socket.write(responseHead(206, { 'Content-Range': `bytes ${start}-${start + part.length - 1}/${bytes.length}`, 'Content-Length': part.length, ETag: etag }));
    socket.write(part);
  };
}
