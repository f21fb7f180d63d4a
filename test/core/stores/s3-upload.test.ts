// An upload as a process of its own: what it needs in memory, and what is left of it when it is killed.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { HeadObjectCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { partBytesFor, partsInFlight } from '../../../core/stores/s3-parts.ts';
import { openStoreForWriting } from '../../../core/stores/registry.ts';
import { startS3Server, type S3Server } from '../../support/s3-server.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
jest.setTimeout(120_000);
let server: S3Server;
beforeAll(async () => {
  server = await startS3Server('/dev/shm');
}, 60_000);
afterAll(async () => server.close());

interface Uploader {
  readonly lines: AsyncIterable<string>;
  kill(): Promise<void>;
}
function startUploader(prefix: string, bytes: number): Uploader {
  const { credentials } = server.access;
  if (credentials.kind !== 'files') throw new Error('the test server gives credentials as files');
  const child = spawn(process.execPath, [join(import.meta.dirname, 'uploader.ts'), server.origin, credentials.directory, prefix, String(bytes)], { stdio: ['ignore', 'pipe', 'inherit'] });
  return {
    lines: createInterface(child.stdout),
    kill: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function peakMemory(prefix: string, bytes: number): Promise<number> {
  let last = '';
  for await (const line of startUploader(prefix, bytes).lines) last = line;
  expect(last).toMatch(/^done [0-9]+$/);
  return Number(last.slice(5));
}

test('eight times the bytes need no more memory', async () => {
  const small = await peakMemory('small', 48 * MIB);
  const large = await peakMemory('large', 384 * MIB);
  expect(large / small).toBeLessThan(1.25);
});

test('killed in the middle it leaves nothing under the name, and the same name can be uploaded afterwards', async () => {
  const uploader = startUploader('killed', 256 * MIB);
  for await (const line of uploader.lines) if (Number(line.slice(5)) >= 96 * MIB) break;
  await uploader.kill();
  await expect(server.client.send(new HeadObjectCommand({ Bucket: server.bucket, Key: 'killed/objects/o' }))).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
  const pending = await server.client.send(new ListMultipartUploadsCommand({ Bucket: server.bucket }));
  expect(pending.Uploads?.length).toBe(1); // it had really begun; a bucket's lifecycle rule removes what nobody completes
  const store = openStoreForWriting({ s3: server.source('killed') }, server.access, null);
  try {
    const again = Buffer.alloc(9 * MIB, 1);
    async function* body(): AsyncGenerator<Buffer> {
      yield again;
    }
    await store.putStream('objects/o', again.length, body(), AbortSignal.timeout(60_000));
  } finally {
    store.close();
  }
});

test('parts are 8 MiB, or as large as 10,000 of them must be; fewer are in flight then', () => {
  expect([1, 8 * MIB, 80_000 * MIB].map(partBytesFor)).toEqual([8 * MIB, 8 * MIB, 8 * MIB]);
  expect(partBytesFor(80_000 * MIB + 1)).toBe(9 * MIB);
  expect([5 * 1024 * GIB, 2 ** 44].map((length) => Math.ceil(length / partBytesFor(length)) <= 10_000)).toEqual([true, true]);
  expect([8, 16, 33, 600].map((mib) => partsInFlight(mib * MIB))).toEqual([4, 4, 1, 1]);
});
