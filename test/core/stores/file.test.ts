// A folder as a store.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openStore, openStoreForWriting } from '../../../core/stores/registry.ts';
import type { StoreWriter } from '../../../core/stores/store.ts';
import { withFolderLock } from '../../../core/stores/file-lock.ts';
import { expectRejection } from '../refusal.ts';

const access = { credentials: { kind: 'anonymous' }, allowedEndpoints: [] } as const;
const signal = AbortSignal.timeout(120_000);
let root: string;
let store: StoreWriter;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'weightlock-file-'));
  store = openStoreForWriting({ file: { path: join(root, 'model') } }, access, null);
});
afterEach(async () => rm(root, { recursive: true, force: true }));

async function* stream(...chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}
const unfinished = async (): Promise<readonly string[]> => readdir(join(root, 'model/.uploads'));
const listed = async (folder: string): Promise<readonly string[]> => (await Array.fromAsync(store.list(folder, signal))).map(({ key }) => key).toSorted();

const wins = async (attempts: readonly Promise<unknown>[]): Promise<number> => (await Promise.allSettled(attempts)).filter(({ status }) => status === 'fulfilled').length;

const run = async (...command: readonly [string, ...string[]]): Promise<void> => {
  const [status] = (await once(spawn(command[0], command.slice(1)), 'exit')) as [number];
  expect(status).toBe(0);
};

const onTmpfs = async (options: string, use: (folder: string, remount: (options: string) => Promise<void>) => Promise<void>): Promise<void> => {
  const mount = join(root, 'mount');
  await mkdir(mount);
  await run('mount', '-t', 'tmpfs', '-o', options, 'weightlock-test', mount);
  try {
    await use(join(mount, 'model'), (again) => run('mount', '-o', `remount,${again}`, mount));
  } finally {
    await run('umount', mount);
  }
};

describe('publishing', () => {
  test('what was put is read, under the ETag it was put with', async () => {
    const { etag } = await store.putSmall('versions/a.json', Buffer.from('{}'), { kind: 'create' }, signal);
    expect(await store.readSmall('versions/a.json', 2, signal)).toEqual({ bytes: Buffer.from('{}'), etag });
    expect(await unfinished()).toEqual([]);
  });

  test('create never writes over what is there: E_STORE_CONFLICT', async () => {
    await store.putSmall('k', Buffer.from('one'), { kind: 'create' }, signal);
    await expectRejection('E_STORE_CONFLICT', store.putSmall('k', Buffer.from('two'), { kind: 'create' }, signal));
    await expectRejection('E_STORE_CONFLICT', store.putStream('k', 3, stream(Buffer.from('two')), signal));
    expect((await store.readSmall('k', 9, signal)).bytes.toString()).toBe('one');
    expect(await unfinished()).toEqual([]);
  });

  test('replace writes over exactly what was read', async () => {
    const { etag } = await store.putSmall('k', Buffer.from('one'), { kind: 'create' }, signal);
    await store.putSmall('k', Buffer.from('two'), { kind: 'replace', etag }, signal);
    await expectRejection('E_STORE_CONFLICT', store.putSmall('k', Buffer.from('three'), { kind: 'replace', etag }, signal));
    await expectRejection('E_STORE_CONFLICT', store.putSmall('absent', Buffer.from('x'), { kind: 'replace', etag }, signal));
    expect((await store.readSmall('k', 9, signal)).bytes.toString()).toBe('two');
  });

  test('of sixteen publishers of one key exactly one wins, whether it is new or replaced', async () => {
    expect(await wins(Array.from({ length: 16 }, (_, i) => store.putSmall('k', Buffer.alloc(20_000, i), { kind: 'create' }, signal)))).toBe(1);
    const { etag } = await store.readSmall('k', 20_000, signal);
    expect(await wins(Array.from({ length: 16 }, (_, i) => store.putSmall('k', Buffer.alloc(20_000, i + 100), { kind: 'replace', etag }, signal)))).toBe(1);
  });

  test.each([[5, 'E_INTERNAL'], [7, 'E_INTERNAL']] as const)('a stream of another length than announced (%d of 6) leaves nothing: %s', async (real, code) => {
    await expectRejection(code, store.putStream('objects/o', 6, stream(Buffer.alloc(real)), signal));
    await expectRejection('E_STORE_NOT_FOUND', store.openObject('objects/o', 1, signal));
    expect(await unfinished()).toEqual([]);
  });

  test('what the source throws is passed on as it is, an error of its disk included', async () => {
    const broken = Object.assign(new Error('the source\'s disk is full'), { code: 'ENOSPC' });
    async function* source(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(3);
      throw broken;
    }
    await expect(store.putStream('objects/o', 6, source(), signal)).rejects.toBe(broken);
    expect(await unfinished()).toEqual([]);
  });

  test('an abort is passed on with its reason and leaves nothing', async () => {
    const controller = new AbortController();
    async function* source(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(3);
      controller.abort(new Error('stop'));
      yield Buffer.alloc(3);
    }
    await expect(store.putStream('objects/o', 6, source(), controller.signal)).rejects.toThrow('stop');
    expect(await unfinished()).toEqual([]);
  });

  test('a killed publisher leaves nothing under the name, and what it left aside is no key and goes away in time', async () => {
    const program = `
      import { openStoreForWriting } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, '../../../core/stores/registry.ts')).href)};
      const store = openStoreForWriting({ file: { path: process.argv[1] } }, { credentials: { kind: 'anonymous' }, allowedEndpoints: [] }, null);
      async function* body() { yield Buffer.alloc(1000); console.log('begun'); await new Promise((resolve) => setTimeout(resolve, 600_000)); }
      await store.putStream('objects/o', 2000, body(), AbortSignal.timeout(600_000));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, join(root, 'model')], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    const [left = ''] = await unfinished();
    expect(left).not.toBe('');
    await expectRejection('E_STORE_NOT_FOUND', store.openObject('objects/o', 1, signal));
    expect(await listed('objects')).toEqual([]);
    await store.putStream('objects/o', 6, stream(Buffer.alloc(6)), signal);
    expect(await unfinished()).toEqual([left]); // it may still be alive, for all we know
    const longAgo = new Date(Date.now() - 2 * 3_600_000);
    await utimes(join(root, 'model/.uploads', left), longAgo, longAgo);
    await openStoreForWriting({ file: { path: join(root, 'model') } }, access, null).putSmall('k', Buffer.from('x'), { kind: 'create' }, signal);
    expect(await unfinished()).toEqual([]);
  });

  test('a link planted where unfinished files lie leads nobody to another\'s files: E_STORE_DENIED', async () => {
    await mkdir(join(root, 'home'));
    await writeFile(join(root, 'home/thesis'), 'years of work');
    await utimes(join(root, 'home/thesis'), 1, 1);
    await mkdir(join(root, 'model'));
    await symlink(join(root, 'home'), join(root, 'model/.uploads'));
    await expectRejection('E_STORE_DENIED', store.putSmall('latest.json', Buffer.from('{}'), { kind: 'create' }, signal));
    expect(await readdir(join(root, 'home'))).toEqual(['thesis']);
  });

  test('a removed key is gone, and removing it again is no error', async () => {
    await store.putSmall('a/k', Buffer.from('x'), { kind: 'create' }, signal);
    await store.remove('a/k', signal);
    await store.remove('a/k', signal);
    await store.remove('never/was', signal);
    await expectRejection('E_STORE_NOT_FOUND', store.readSmall('a/k', 9, signal));
  });

  test.each(['../k', 'a/../k', '/k', 'a//k', '.uploads/k', 'a/.hidden', '', 'a/'])('%j is no key', async (key) => {
    await expectRejection('E_INTERNAL', store.putSmall(key, Buffer.from('x'), { kind: 'create' }, signal));
    await expectRejection('E_INTERNAL', store.readSmall(key, 9, signal));
  });
});

describe('reading', () => {
  test('delivers the range asked for, in order, in bounded chunks', async () => {
    const bytes = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 13) % 251));
    await store.putStream('objects/o', bytes.length, stream(bytes), signal);
    const { object, head } = await store.openObject('objects/o', 138, signal);
    expect([object.size, head.equals(bytes.subarray(0, 138))]).toEqual([bytes.length, true]);
    const chunks: Buffer[] = [];
    await object.read({ start: 138, end: bytes.length }, (chunk) => void chunks.push(Buffer.from(chunk)), signal);
    expect(Buffer.concat(chunks).equals(bytes.subarray(138))).toBe(true);
    expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThanOrEqual(1024 * 1024);
    await expectRejection('E_STORE_RANGE', object.read({ start: 0, end: bytes.length + 1 }, () => undefined, signal));
  });

  test('a larger file than allowed is not read: E_LIMIT_SIZE', async () => {
    await store.putSmall('k', Buffer.alloc(101), { kind: 'create' }, signal);
    await expectRejection('E_LIMIT_SIZE', store.readSmall('k', 100, signal));
  });

  test('45: a file replaced, rewritten or cut between two reads: E_STORE_CHANGED', async () => {
    const path = join(root, 'model/objects/o');
    const opened = async (): Promise<Awaited<ReturnType<StoreWriter['openObject']>>['object']> => {
      await rm(path, { force: true });
      await store.putStream('objects/o', 5_000, stream(Buffer.alloc(5_000, 1)), signal);
      return (await store.openObject('objects/o', 138, signal)).object;
    };
    for (const change of [() => writeFile(path, Buffer.alloc(5_000, 2)), () => truncate(path, 4_000), async () => { await rm(path); await writeFile(path, Buffer.alloc(5_000, 1)); }]) {
      const object = await opened();
      await change();
      await expectRejection('E_STORE_CHANGED', object.read({ start: 138, end: 500 }, () => undefined, signal));
    }
  });

  test('45: a file rewritten during a read: E_STORE_CHANGED', async () => {
    const path = join(root, 'model/objects/o');
    await store.putStream('objects/o', 3_000_000, stream(Buffer.alloc(3_000_000, 1)), signal);
    const { object } = await store.openObject('objects/o', 1, signal);
    await expectRejection('E_STORE_CHANGED', object.read({ start: 0, end: 3_000_000 }, () => writeFileSync(path, Buffer.alloc(3_000_000, 2)), signal));
  });

  test('what the sink throws is passed on as it is, an error of its disk included', async () => {
    await store.putSmall('k', Buffer.alloc(10), { kind: 'create' }, signal);
    const { object } = await store.openObject('k', 1, signal);
    const full = Object.assign(new Error('the sink\'s disk is full'), { code: 'ENOSPC' });
    await expect(object.read({ start: 0, end: 10 }, () => { throw full; }, signal)).rejects.toBe(full);
  });

  test('a planted link, FIFO or folder is refused without being waited for: E_STORE_DENIED', async () => {
    await mkdir(join(root, 'model/objects/folder'), { recursive: true });
    await symlink('/dev/zero', join(root, 'model/objects/link'));
    await symlink('/etc/hostname', join(root, 'model/objects/link-to-file'));
    await once(spawn('mkfifo', [join(root, 'model/objects/fifo')]), 'exit');
    for (const name of ['folder', 'link', 'link-to-file', 'fifo']) await expectRejection('E_STORE_DENIED', store.readSmall(`objects/${name}`, 9, signal));
    expect(await listed('objects')).toEqual([]);
  });

  test('what is absent is E_STORE_NOT_FOUND; its list is empty', async () => {
    const absent = openStore({ file: { path: join(root, 'nowhere') } }, access);
    await expectRejection('E_STORE_NOT_FOUND', absent.readSmall('k', 9, signal));
    expect(await Array.fromAsync(absent.list('objects', signal))).toEqual([]);
  });

  test('a list goes down into folders and shows sizes', async () => {
    await store.putSmall('signatures/a/1.json', Buffer.alloc(3), { kind: 'create' }, signal);
    await store.putSmall('signatures/b/2.json', Buffer.alloc(4), { kind: 'create' }, signal);
    expect(await listed('signatures')).toEqual(['signatures/a/1.json', 'signatures/b/2.json']);
    expect((await Array.fromAsync(store.list('signatures/b', signal))).map(({ size }) => size)).toEqual([4]);
  });
});

describe('refusals of the file system', () => {
  test('a full disk: E_NO_SPACE, and nothing is left', async () => {
    await onTmpfs('size=256k', async (folder) => {
      const full = openStoreForWriting({ file: { path: folder } }, access, null);
      await expectRejection('E_NO_SPACE', full.putStream('objects/o', 1_000_000, stream(Buffer.alloc(1_000_000)), signal));
      expect(await readdir(join(folder, '.uploads'))).toEqual([]);
    });
  });

  test('a file system that is read-only: E_STORE_DENIED for writing, readable still', async () => {
    await onTmpfs('size=1m', async (folder, remount) => {
      const held = openStoreForWriting({ file: { path: folder } }, access, null);
      await held.putSmall('k', Buffer.from('x'), { kind: 'create' }, signal);
      await remount('ro');
      await expectRejection('E_STORE_DENIED', held.putSmall('l', Buffer.from('x'), { kind: 'create' }, signal));
      await expectRejection('E_STORE_DENIED', held.remove('k', signal));
      expect((await held.readSmall('k', 9, signal)).bytes.toString()).toBe('x');
    });
  });
});

describe('the folder\'s lock', () => {
  test('is held by one at a time, in the order nobody is promised, and all get it', async () => {
    let inside = 0;
    let most = 0;
    await Promise.all(Array.from({ length: 10 }, () => withFolderLock(root, signal, async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    })));
    expect(most).toBe(1);
  });

  test('dies with its holder', async () => {
    const program = `
      import { withFolderLock } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, '../../../core/stores/file-lock.ts')).href)};
      await withFolderLock(process.argv[1], AbortSignal.timeout(600_000), async () => { console.log('held'); await new Promise((resolve) => setTimeout(resolve, 600_000)); });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, root], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    let got = false;
    const waiting = withFolderLock(root, signal, async () => void (got = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(got).toBe(false);
    child.kill('SIGKILL');
    await waiting;
    expect(got).toBe(true);
  });

  test('a wait for it ends with the caller\'s reason', async () => {
    await withFolderLock(root, signal, async () => {
      await expect(withFolderLock(root, AbortSignal.abort(new Error('stop')), async () => undefined)).rejects.toThrow('stop');
      const controller = new AbortController();
      const waiting = withFolderLock(root, controller.signal, async () => undefined);
      setImmediate(() => controller.abort(new Error('later')));
      await expect(waiting).rejects.toThrow('later');
    });
  });

  test('a wait that is given up in the moment it begins ends as well', async () => {
    await withFolderLock(root, signal, async () => {
      const controller = new AbortController();
      const listen = jest.spyOn(Server.prototype, 'listen').mockImplementationOnce(function (this: Server, ...request: unknown[]): Server {
        listen.mockRestore();
        controller.abort(new Error('meanwhile')); // after the lock looked at its signal, before it waits
        return this.listen(...(request as [{ readonly path: string }, () => void]));
      });
      await expect(withFolderLock(root, controller.signal, async () => undefined)).rejects.toThrow('meanwhile');
    });
  }, 10_000);
});
