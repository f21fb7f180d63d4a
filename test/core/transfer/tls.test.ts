// Ranges over TLS: the bytes are right, and a server that isn't who it should be gets no request at all.
import { afterEach, expect, test } from '@jest/globals';
import { RangeClient } from '../../../core/transfer/range-client.ts';
import { selfSigned } from '../../support/certificate.ts';
import { type ScriptedServer, serveRange, startScriptedServer } from '../../support/scripted-server.ts';
import { expectRejection } from '../refusal.ts';

const OBJECT = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 17) % 253));
const signal = new AbortController().signal;
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).toReversed()) await thing.close();
});

async function tlsServer(name: string): Promise<{ readonly server: ScriptedServer; readonly cert: string }> {
  const tls = await selfSigned(name);
  const server = await startScriptedServer(serveRange(OBJECT), { tls });
  open.push(server);
  return { server, cert: tls.cert };
}

async function read(origin: string, caPem?: string): Promise<Buffer> {
  const client = new RangeClient(caPem === undefined ? {} : { caPem });
  open.push(client);
  const chunks: Buffer[] = [];
  await client.read({ url: new URL(`${origin}/k`), what: 's3://b/k', range: { start: 1, end: OBJECT.length }, pin: { etag: '"one"', size: OBJECT.length } }, (chunk) => void chunks.push(Buffer.from(chunk)), signal);
  return Buffer.concat(chunks);
}

test('a server of the given authority is read, by address', async () => {
  const { server, cert } = await tlsServer('127.0.0.1');
  expect((await read(server.origin, cert)).equals(OBJECT.subarray(1))).toBe(true);
});

test('and by name', async () => {
  const { server, cert } = await tlsServer('localhost');
  expect((await read(server.origin.replace('127.0.0.1', 'localhost'), cert)).equals(OBJECT.subarray(1))).toBe(true);
});

test('a certificate for another name is refused', async () => {
  const { server, cert } = await tlsServer('elsewhere.example');
  await expectRejection('E_ENDPOINT_REFUSED', read(server.origin, cert));
  expect(server.requests).toEqual([]);
});

test('a certificate of an unknown authority is refused', async () => {
  const { server } = await tlsServer('127.0.0.1');
  await expectRejection('E_ENDPOINT_REFUSED', read(server.origin));
  await expectRejection('E_ENDPOINT_REFUSED', read(server.origin, (await selfSigned('127.0.0.1')).cert));
  expect(server.requests).toEqual([]);
});
