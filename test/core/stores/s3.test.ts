// The s3 store against a real S3 server: what readers and publishers rely on.
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createCipheriv } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { AwsAccess } from '../../../core/aws/access.ts';
import { openStore, openStoreForWriting } from '../../../core/stores/registry.ts';
import { openPlace } from '../../../core/stores/s3-place.ts';
import { S3Writer } from '../../../core/stores/s3-writer.ts';
import { RangeClient } from '../../../core/transfer/range-client.ts';
import type { StoreReader, StoreWriter } from '../../../core/stores/store.ts';
import { startS3Server, type S3Server, writeCredentials } from '../../support/s3-server.ts';
import { startS3Proxy, type S3Fault, type S3Proxy, type SeenRequest } from '../../support/s3-proxy.ts';
import { responseHead, startScriptedServer } from '../../support/scripted-server.ts';
import { codeOf, expectRejection } from '../refusal.ts';

const MIB = 1024 * 1024;
jest.setTimeout(60_000); // seconds on a quiet machine
const signal = AbortSignal.timeout(600_000);
const open: { close(): unknown }[] = [];
let server: S3Server;
let prefixes = 0;
beforeAll(async () => {
  server = await startS3Server();
}, 60_000);
afterAll(async () => server.close());
afterEach(async () => {
  for (const thing of open.splice(0).toReversed()) await thing.close();
});

function writer(prefix = `p${++prefixes}`, access = server.access, encryption: Parameters<typeof openStoreForWriting>[2] = null): StoreWriter {
  const store = openStoreForWriting({ s3: server.source(prefix) }, access, encryption);
  open.push(store);
  return store;
}
function reader(prefix: string, access: AwsAccess): StoreReader {
  const store = openStore({ s3: server.source(prefix) }, access);
  open.push(store);
  return store;
}
async function throughProxy(plan: (request: SeenRequest, before: number) => S3Fault | undefined, encryption: Parameters<typeof openStoreForWriting>[2] = null): Promise<{ readonly store: StoreWriter; readonly proxy: S3Proxy; readonly prefix: string }> {
  const proxy = await startS3Proxy(server, plan);
  const prefix = `p${++prefixes}`;
  const store = openStoreForWriting({ s3: { ...server.source(prefix), endpoint: proxy.origin } }, { ...server.access, allowedEndpoints: [proxy.origin] }, encryption);
  open.push(proxy, store);
  return { store, proxy, prefix };
}

/** Three parts. */
const length = 16 * MIB + 12_345;

async function* stream(bytes: number, chunk = 700_001): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes; at += chunk) yield pattern(at, Math.min(bytes, at + chunk));
}
/** Bytes that repeat nowhere: a key stream. */
const BYTES = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16)).update(Buffer.alloc(36 * MIB));
const pattern = (start: number, end: number): Buffer => BYTES.subarray(start, end);

async function contentOf(store: StoreReader, key: string): Promise<Buffer> {
  const { object } = await store.openObject(key, 1, signal);
  const chunks: Buffer[] = [];
  await object.read({ start: 0, end: object.size }, (chunk) => void chunks.push(Buffer.from(chunk)), signal);
  return Buffer.concat(chunks);
}
/** Of the test that runs: each has a prefix of its own. */
const pendingUploads = async (): Promise<number> => ((await server.client.send(new ListMultipartUploadsCommand({ Bucket: server.bucket }))).Uploads ?? []).filter(({ Key }) => Key?.startsWith(`p${prefixes}/`)).length;

const secret = async (name: string, id: string, key: string): Promise<AwsAccess> => {
  const directory = join(server.folder, '..', name);
  await writeCredentials(directory, id, key);
  return { ...server.access, credentials: { kind: 'files', directory } };
};

const conditional = ({ headers }: SeenRequest): boolean => 'if-none-match' in headers || 'if-match' in headers;

const isComplete = ({ line }: SeenRequest): boolean => line.startsWith('POST') && !line.includes('uploads');

describe('small objects', () => {
  test('what was put is read, under the ETag it was put with', async () => {
    const store = writer();
    const { etag } = await store.putSmall('versions/a.json', Buffer.from('{}'), { kind: 'create' }, signal);
    expect(await store.readSmall('versions/a.json', 2, signal)).toEqual({ bytes: Buffer.from('{}'), etag });
  });

  test('create never writes over what is there: E_STORE_CONFLICT', async () => {
    const store = writer();
    await store.putSmall('k', Buffer.from('one'), { kind: 'create' }, signal);
    await expectRejection('E_STORE_CONFLICT', store.putSmall('k', Buffer.from('two'), { kind: 'create' }, signal));
    expect((await store.readSmall('k', 9, signal)).bytes.toString()).toBe('one');
  });

  test('replace writes over exactly what was read, and over nothing else', async () => {
    const store = writer();
    const { etag } = await store.putSmall('k', Buffer.from('one'), { kind: 'create' }, signal);
    const next = await store.putSmall('k', Buffer.from('two'), { kind: 'replace', etag }, signal);
    await expectRejection('E_STORE_CONFLICT', store.putSmall('k', Buffer.from('three'), { kind: 'replace', etag }, signal));
    expect(await store.readSmall('k', 9, signal)).toEqual({ bytes: Buffer.from('two'), etag: next.etag });
    await expectRejection('E_STORE_CONFLICT', store.putSmall('absent', Buffer.from('x'), { kind: 'replace', etag }, signal));
  });

  test('of sixteen publishers of one key exactly one wins', async () => {
    const store = writer();
    const outcomes = await Promise.allSettled(Array.from({ length: 16 }, (_, i) => store.putSmall('k', Buffer.alloc(50_000, i), { kind: 'create' }, signal)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [codeOf(() => { throw outcome.reason; })] : []))).toEqual(Array(15).fill('E_STORE_CONFLICT'));
  });

  test('a larger one than allowed is not read: E_LIMIT_SIZE', async () => {
    const store = writer();
    await store.putSmall('k', Buffer.alloc(101), { kind: 'create' }, signal);
    await expectRejection('E_LIMIT_SIZE', store.readSmall('k', 100, signal));
  });

  test('a removed one is gone, and removing it again is no error', async () => {
    const store = writer();
    await store.putSmall('k', Buffer.from('x'), { kind: 'create' }, signal);
    await store.remove('k', signal);
    await expectRejection('E_STORE_NOT_FOUND', store.readSmall('k', 9, signal));
    await store.remove('k', signal);
  });

  test('without content they have size 0', async () => {
    const store = writer();
    await store.putSmall('k', Buffer.alloc(0), { kind: 'create' }, signal);
    expect((await store.readSmall('k', 9, signal)).bytes).toHaveLength(0);
  });
});

test('a prefix may hold whatever a key may', async () => {
  const store = writer('team a/ü+~(1)\'%2F&=x');
  await store.putStream('objects/o', length, stream(length), signal);
  await store.putSmall('versions/v.json', Buffer.from('{}'), { kind: 'create' }, signal);
  expect((await contentOf(store, 'objects/o')).equals(pattern(0, length))).toBe(true);
  expect((await store.readSmall('versions/v.json', 9, signal)).bytes.toString()).toBe('{}');
  expect((await Array.fromAsync(store.list('objects', signal))).map(({ key }) => key)).toEqual(['objects/o']);
});

describe('lists', () => {
  test('go on over pages, relative to the prefix, and hold nothing of a neighbour\'s', async () => {
    const store = writer('lists/a');
    const folder = join(server.folder, server.bucket, 'lists/a/objects');
    await mkdir(folder, { recursive: true });
    await Promise.all(Array.from({ length: 1_005 }, (_, i) => writeFile(join(folder, String(i).padStart(4, '0')), 'x')));
    await writer('lists/a').putSmall('objects2/other', Buffer.from('x'), { kind: 'create' }, signal);
    const keys: string[] = [];
    for await (const { key, size } of store.list('objects', signal)) {
      expect(size).toBe(1);
      keys.push(key);
    }
    expect(keys).toEqual(Array.from({ length: 1_005 }, (_, i) => `objects/${String(i).padStart(4, '0')}`));
  });

  test('of nothing are empty', async () => {
    for await (const entry of writer().list('objects', signal)) throw new Error(entry.key);
  });
});

describe('45: an object replaced by somebody', () => {
  test('between being opened and being read: E_STORE_CHANGED', async () => {
    const prefix = `p${++prefixes}`;
    const store = writer(prefix);
    await store.putStream('objects/o', 5_000, stream(5_000), signal);
    const { object, head } = await store.openObject('objects/o', 138, signal);
    expect(head.equals(pattern(0, 138))).toBe(true);
    const part: Buffer[] = [];
    await object.read({ start: 138, end: 300 }, (chunk) => void part.push(Buffer.from(chunk)), signal);
    expect(Buffer.concat(part).equals(pattern(138, 300))).toBe(true);
    await server.client.send(new PutObjectCommand({ Bucket: server.bucket, Key: `${prefix}/objects/o`, Body: pattern(1, 5_001) }));
    await expectRejection('E_STORE_CHANGED', object.read({ start: 300, end: 400 }, () => undefined, signal));
  });
});

describe('who may', () => {
  test('a wrong secret and an unknown key are E_CREDENTIALS, for reads and writes', async () => {
    for (const access of [await secret('wrong-secret', 'weightlocktest', 'wrong'), await secret('unknown', 'nobody', 'wrong')]) {
      const store = writer('p0', access);
      await expectRejection('E_CREDENTIALS', store.readSmall('versions/k', 9, signal));
      await expectRejection('E_CREDENTIALS', store.putSmall('k2', Buffer.from('x'), { kind: 'create' }, signal));
    }
  });

  test('nobody without a signature, until the bucket says so: E_STORE_DENIED', async () => {
    await writer('public').putSmall('k', Buffer.from('x'), { kind: 'create' }, signal);
    const store = reader('public', { ...server.access, credentials: { kind: 'anonymous' } });
    await expectRejection('E_STORE_DENIED', store.readSmall('k', 9, signal));
    await server.openToAnybody();
    expect((await store.readSmall('k', 9, signal)).bytes.toString()).toBe('x');
    const keys: string[] = [];
    for await (const { key } of reader('', { ...server.access, credentials: { kind: 'anonymous' } }).list('public', signal)) keys.push(key);
    expect(keys).toEqual(['public/k']);
  });

  test('an anonymous request carries nothing of ours', async () => {
    const scripted = await startScriptedServer((_, socket) => void socket.write(responseHead(404, { 'Content-Length': 0 })));
    const store = openStore({ s3: { ...server.source('x'), endpoint: scripted.origin } }, { credentials: { kind: 'anonymous' }, allowedEndpoints: [] });
    open.push(scripted, store);
    await expectRejection('E_STORE_NOT_FOUND', store.readSmall('k', 9, signal));
    expect(scripted.requests).toHaveLength(1);
    expect(scripted.requests[0]).toMatch(/^GET \/models\/x\/k HTTP/);
    expect(scripted.requests[0]).not.toMatch(/authorization|x-amz|signature/i);
  });

  test('a Secret that was rotated counts from the next object on', async () => {
    const access = await secret('rotated', 'weightlocktest', 'wrong');
    const store = reader('public', access);
    await expectRejection('E_CREDENTIALS', store.readSmall('k', 9, signal));
    await secret('rotated', 'weightlocktest', 'weightlocktestsecret');
    expect((await store.readSmall('k', 9, signal)).bytes.toString()).toBe('x');
  });

  test('a bucket that does not exist: E_STORE_NOT_FOUND', async () => {
    const store = openStoreForWriting({ s3: { ...server.source('x'), bucket: 'nosuchbucket' } }, server.access, null);
    open.push(store);
    await expectRejection('E_STORE_NOT_FOUND', store.readSmall('k', 9, signal));
    await expectRejection('E_STORE_NOT_FOUND', store.putSmall('k', Buffer.from('x'), { kind: 'create' }, signal));
    await expectRejection('E_STORE_NOT_FOUND', store.putStream('k', 9 * MIB, stream(9 * MIB), signal));
  });
});

describe('large objects', () => {
  test('arrive whole, in parts, and create only', async () => {
    const { store, proxy } = await throughProxy(() => undefined);
    await store.putStream('objects/o', length, stream(length), signal);
    expect((await contentOf(store, 'objects/o')).equals(pattern(0, length))).toBe(true);
    expect(proxy.seen.filter(({ line }) => line.includes('partNumber'))).toHaveLength(3);
    await expectRejection('E_STORE_CONFLICT', store.putStream('objects/o', length, stream(length), signal));
    expect((await contentOf(store, 'objects/o')).length).toBe(length);
    expect(await pendingUploads()).toBe(0);
  });

  test.each<[string, S3Fault]>([
    ['refused with 503', { kind: 'error', status: 503, code: 'SlowDown' }], ['cut off', { kind: 'cut' }], ['answered into the void', { kind: 'lost' }],
  ])('a part that is %s is sent again from its buffer; the source is read once', async (_, fault) => {
    let readTwice = false;
    async function* once(): AsyncGenerator<Buffer> {
      if (readTwice) throw new Error('read twice');
      readTwice = true;
      yield* stream(length);
    }
    const { store } = await throughProxy(({ line }, before) => (line.endsWith('partNumber=2') && before === 0 ? fault : undefined));
    await store.putStream('objects/o', length, once(), signal);
    expect((await contentOf(store, 'objects/o')).equals(pattern(0, length))).toBe(true);
  });

  test('an answer to Complete that was lost is found out: the object is ours', async () => {
    const { store, proxy } = await throughProxy((request, before) => (isComplete(request) && before === 0 ? { kind: 'lost' } : undefined));
    const { etag } = await store.putStream('objects/o', length, stream(length), signal);
    expect(proxy.seen.filter(isComplete)).toHaveLength(1); // found out by looking, not by completing twice
    expect((await store.openObject('objects/o', 1, signal)).object.etag).toBe(etag);
    expect(await pendingUploads()).toBe(0);
  });

  test('but a stranger\'s object of the same length is not: E_STORE_CONFLICT', async () => {
    const { store, prefix } = await throughProxy((request, before) => (isComplete(request) && before === 0 ? { kind: 'cut' } : undefined));
    await writer(prefix).putStream('objects/o', length, stream(length), signal);
    await expectRejection('E_STORE_CONFLICT', store.putStream('objects/o', length, stream(length), signal));
    expect(await pendingUploads()).toBe(0);
  });

  test.each<[string, (fail: () => never) => AsyncGenerator<Buffer>]>([
    ['the source fails', async function* (fail) { yield* stream(9 * MIB); fail(); }],
    ['the source fails before its first byte', async function* (fail) { fail(); yield Buffer.alloc(0); }],
  ])('nothing is left where %s', async (_, source) => {
    const store = writer();
    const broken = new Error('source broke');
    await expect(store.putStream('objects/o', length, source(() => { throw broken; }), signal)).rejects.toBe(broken);
    await expectRejection('E_STORE_NOT_FOUND', store.openObject('objects/o', 1, signal));
    expect(await pendingUploads()).toBe(0);
  });

  test('nothing is left of one that was aborted, and its reason is passed on', async () => {
    const store = writer();
    const controller = new AbortController();
    const reason = new Error('stop');
    async function* source(): AsyncGenerator<Buffer> {
      yield* stream(17 * MIB);
      controller.abort(reason);
      yield* stream(17 * MIB);
    }
    await expect(store.putStream('objects/o', 34 * MIB, source(), controller.signal)).rejects.toBe(reason);
    await expectRejection('E_STORE_NOT_FOUND', store.openObject('objects/o', 1, signal));
    expect(await pendingUploads()).toBe(0);
  });

  test('nothing is left of one whose parts are refused for good', async () => {
    const { store } = await throughProxy(({ line }) => (line.endsWith('partNumber=2') ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined));
    await expectRejection('E_STORE_DENIED', store.putStream('objects/o', length, stream(length), signal));
    expect(await pendingUploads()).toBe(0);
  });

  test.each([[length - 1, 'shorter'], [length + 1, 'longer']])('a source of %d bytes, %s than announced, is a defect: nothing is stored', async (real) => {
    const store = writer();
    await expectRejection('E_INTERNAL', store.putStream('objects/o', length, stream(real), signal));
    await expectRejection('E_INTERNAL', store.putStream('objects/small', 1_000, stream(real > length ? 1_001 : 999), signal));
    for (const key of ['objects/o', 'objects/small']) await expectRejection('E_STORE_NOT_FOUND', store.openObject(key, 1, signal));
    expect(await pendingUploads()).toBe(0);
  });
});

describe('checksums', () => {
  test('go with every write where AWS\'s own S3 is written to, and nowhere else', async () => {
    const proxy = await startS3Proxy(server, () => undefined);
    open.push(proxy);
    const place = openPlace({ ...server.source(`p${++prefixes}`), endpoint: proxy.origin }, { ...server.access, allowedEndpoints: [proxy.origin] });
    expect(place.checksum).toEqual({});
    for (const checksum of [{}, openPlace({ bucket: 'models', prefix: '', region: 'eu-west-1' }, server.access).checksum]) {
      const store = new S3Writer({ ...place, checksum }, new RangeClient(), {});
      await store.putSmall('k', Buffer.from('x'), { kind: 'create' }, signal);
      await store.putStream('objects/o', length, stream(length), signal);
      expect((await contentOf(store, 'objects/o')).equals(pattern(0, length))).toBe(true);
      const carrying = proxy.seen.filter(({ line, headers }) => line.startsWith('PUT') && 'x-amz-checksum-crc32' in headers).length;
      expect(carrying).toBe('ChecksumAlgorithm' in checksum ? 2 + 3 : 0); // k, k once more as a proof, three parts
      await store.remove('k', signal);
      await store.remove('objects/o', signal);
    }
  });
});

describe('SSE-KMS', () => {
  test('is asked for with every object, small and large, and only on request', async () => {
    const { store, proxy } = await throughProxy(() => undefined, { kmsKeyId: 'arn:aws:kms:us-east-1:111122223333:key/k', bucketKey: true });
    await store.putSmall('k', Buffer.from('x'), { kind: 'create' }, signal);
    await store.putStream('objects/o', 9 * MIB, stream(9 * MIB), signal);
    const asking = proxy.seen.filter(({ headers }) => headers['x-amz-server-side-encryption'] === 'aws:kms' && headers['x-amz-server-side-encryption-aws-kms-key-id'] === 'arn:aws:kms:us-east-1:111122223333:key/k');
    expect(asking.map(({ line }) => line.split(' ')[0])).toEqual(['PUT', 'PUT', 'POST']); // k, k once more as a proof, the upload's beginning
    const plain = await throughProxy(() => undefined);
    await plain.store.putSmall('k', Buffer.from('x'), { kind: 'create' }, signal);
    expect(plain.proxy.seen.filter(({ headers }) => 'x-amz-server-side-encryption' in headers)).toEqual([]);
  });
});

describe('a store whose conditional writes are not to be trusted', () => {
  test('one that honours them is told so by a write that must fail', async () => {
    const store = writer();
    const { etag } = await store.putSmall('k', Buffer.from('x'), { kind: 'create' }, signal);
    await store.putSmall('k', Buffer.from('y'), { kind: 'replace', etag }, signal);
    expect(store.conditional).toBe(true);
  });

  test('one that answers 501 gets them compared by hand, and the publisher is told', async () => {
    const { store } = await throughProxy((request) => (conditional(request) ? { kind: 'error', status: 501, code: 'NotImplemented' } : undefined));
    const { etag } = await store.putSmall('k', Buffer.from('one'), { kind: 'create' }, signal);
    expect(store.conditional).toBe(false);
    await expectRejection('E_STORE_CONFLICT', store.putSmall('k', Buffer.from('two'), { kind: 'create' }, signal));
    await expectRejection('E_STORE_CONFLICT', store.putSmall('k', Buffer.from('two'), { kind: 'replace', etag: '"other"' }, signal));
    await store.putSmall('k', Buffer.from('two'), { kind: 'replace', etag }, signal);
    expect((await store.readSmall('k', 9, signal)).bytes.toString()).toBe('two');
  });

  test('so does one that answers 501 when an upload is completed', async () => {
    const { store } = await throughProxy((request) => (conditional(request) ? { kind: 'error', status: 501, code: 'NotImplemented' } : undefined));
    await store.putStream('objects/o', 9 * MIB, stream(9 * MIB), signal);
    expect(store.conditional).toBe(false);
    await expectRejection('E_STORE_CONFLICT', store.putStream('objects/o', 9 * MIB, stream(9 * MIB), signal));
    expect(await pendingUploads()).toBe(0);
  });

  test('one that takes a write whose condition does not hold is found out', async () => {
    const { store } = await throughProxy((request) => (conditional(request) ? { kind: 'taken', etag: '"x"' } : undefined));
    await store.putSmall('k', Buffer.from('one'), { kind: 'create' }, signal);
    expect(store.conditional).toBe(false);
  });

  test('an answer to a conditional write that was lost is found out: what stands there is ours', async () => {
    const { store } = await throughProxy(({ line }, before) => (line.startsWith('PUT') && before === 0 ? { kind: 'lost' } : undefined));
    const { etag } = await store.putSmall('k', Buffer.from('one'), { kind: 'create' }, signal);
    expect(await store.readSmall('k', 9, signal)).toEqual({ bytes: Buffer.from('one'), etag });
  });

  test('but what somebody else put there meanwhile is a conflict', async () => {
    const { store, prefix } = await throughProxy(({ line }, before) => (line.startsWith('PUT') && before === 0 ? { kind: 'cut' } : undefined));
    const other = writer(prefix);
    await other.putSmall('k', Buffer.from('theirs'), { kind: 'create' }, signal);
    await expectRejection('E_STORE_CONFLICT', store.putSmall('k', Buffer.from('ours'), { kind: 'create' }, signal));
  });
});

describe('a server in trouble', () => {
  test('small requests are tried again until it recovers', async () => {
    const { store, proxy } = await throughProxy(({ line }, before) => (line.startsWith('GET') && before < 2 ? { kind: 'error', status: 503, code: 'SlowDown' } : undefined));
    await store.putSmall('k', Buffer.from('x'), { kind: 'create' }, signal);
    expect((await store.readSmall('k', 9, signal)).bytes.toString()).toBe('x');
    expect(proxy.seen.filter(({ line }) => line.startsWith('GET'))).toHaveLength(3);
  });

  test.each([[503, 'SlowDown', 'E_STORE_THROTTLED'], [429, 'TooManyRequests', 'E_STORE_THROTTLED'], [500, 'InternalError', 'E_STORE_UNAVAILABLE'], [503, 'ServiceUnavailable', 'E_STORE_UNAVAILABLE'], [403, 'AccessDenied', 'E_STORE_DENIED'], [301, 'PermanentRedirect', 'E_ENDPOINT_REFUSED']] as const)(
    'an object read makes one attempt: %d %s is %s', async (status, code, expected) => {
      let broken = false;
      const { store, proxy } = await throughProxy(({ line }) => (broken && line.startsWith('GET') ? { kind: 'error', status, code } : undefined));
      await store.putSmall('k', Buffer.from('0123456789'), { kind: 'create' }, signal);
      const { object } = await store.openObject('k', 1, signal);
      broken = true;
      const before = proxy.seen.length;
      await expectRejection(expected, object.read({ start: 1, end: 5 }, () => undefined, signal));
      expect(proxy.seen.length - before).toBe(1);
    });
});
