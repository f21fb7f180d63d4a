// The published folder: attacks 60-62, 65 and 66 of format.md §14 at the level of system calls.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openModelRoot, type ReadyFacts } from '../../../core/opening/model-root.ts';
import { scratch } from './scratch.ts';

const FACTS: ReadyFacts = { digest: 'ab'.repeat(32), patterns: { include: ['*.bin'], exclude: [] }, content: 'Digest' };
const FILES = [
  { path: 'a.bin', size: 3 },
  { path: 'deep/er/b.bin', size: 0 },
];

/** A root in which a model of FACTS and FILES was published. */
async function publish(path: string, facts: ReadyFacts = FACTS): Promise<void> {
  const root = await openModelRoot(path);
  await root.clear();
  const target = root.stage(FILES.map((file) => file.path));
  for (const file of FILES) {
    const out = target.create(file.path, file.size);
    out.write(Buffer.alloc(file.size, 'x'), 0);
    out.finish();
  }
  root.publish(facts);
  await root.close();
}

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const failure = async (attempt: Promise<unknown>): Promise<unknown> => attempt.then(() => 'no failure', (error: unknown) => error);
const withCode = (code: string): unknown => expect.objectContaining({ code });

describe('publishing', () => {
  test('renames a complete folder into place, read-only, and then says what it holds', async () => {
    using place = scratch();
    await publish(place.path);
    expect(readdirSync(place.path).sort()).toEqual(['.ready', 'model']);
    expect(readFileSync(join(place.path, 'model/a.bin'), 'utf8')).toBe('xxx');
    const names = ['model', 'model/deep', 'model/deep/er', 'model/a.bin', 'model/deep/er/b.bin', '.ready'];
    expect(names.map((name) => modeOf(join(place.path, name)))).toEqual(['555', '555', '555', '444', '444', '444']);
    const ready: unknown = JSON.parse(readFileSync(join(place.path, '.ready'), 'utf8'));
    expect(ready).toEqual({ schema: 'weightlock.ready/1.0', manifest: `sha256:${FACTS.digest}`, include: ['*.bin'], exclude: [], content: 'Digest' });
  });

  test('keeps staging closed to others until then', async () => {
    using place = scratch();
    const root = await openModelRoot(place.path);
    const out = root.stage(['deep/a']).create('deep/a', 1);
    expect(['.staging', '.staging/deep', '.staging/deep/a'].map((name) => modeOf(join(place.path, name)))).toEqual(['700', '700', '600']);
    out.abandon();
    await root.close();
    expect(readdirSync(place.path)).toEqual([]);
  });

  test('replaces an empty model/ that the kubelet made for a subPath', async () => {
    using place = scratch();
    mkdirSync(join(place.path, 'model'), 0o750);
    await publish(place.path);
    expect(readFileSync(join(place.path, 'model/a.bin'), 'utf8')).toBe('xxx');
  });

  test('counts tries in the volume, over restarts', async () => {
    using place = scratch();
    const counts: number[] = [];
    for (let i = 0; i < 3; i++) {
      const root = await openModelRoot(place.path);
      counts.push(root.countAttempt());
      await root.clear();
      await root.close();
    }
    expect(counts).toEqual([1, 2, 3]);
  });
});

const holds = async (path: string, facts: ReadyFacts, files = FILES): Promise<boolean> => {
  const root = await openModelRoot(path);
  try {
    return root.holds(facts, files);
  } finally {
    await root.close();
  }
};

describe('a restart', () => {
  test('finds the model that was published', async () => {
    using place = scratch();
    await publish(place.path);
    expect(await holds(place.path, FACTS)).toBe(true);
  });
  test('does not take it for another digest, other patterns, or a stricter check', async () => {
    using place = scratch();
    await publish(place.path, { ...FACTS, content: 'Aead' });
    expect(await holds(place.path, { ...FACTS, content: 'Aead' })).toBe(true);
    expect(await holds(place.path, FACTS)).toBe(false);
    expect(await holds(place.path, { ...FACTS, content: 'Aead', digest: 'cd'.repeat(32) })).toBe(false);
    expect(await holds(place.path, { ...FACTS, content: 'Aead', patterns: { include: [], exclude: [] } })).toBe(false);
  });
  test('does not take a model whose files are not exactly the expected ones', async () => {
    using place = scratch();
    await publish(place.path);
    expect(await holds(place.path, FACTS, [{ path: 'a.bin', size: 4 }, { path: 'deep/er/b.bin', size: 0 }])).toBe(false);
    expect(await holds(place.path, FACTS, [{ path: 'a.bin', size: 3 }])).toBe(false);
    expect(await holds(place.path, FACTS, [...FILES, { path: 'c', size: 1 }])).toBe(false);
  });
  test('does not take a model/ without .ready: its predecessor died between the rename and the record', async () => {
    using place = scratch();
    await publish(place.path);
    execFileSync('rm', [join(place.path, '.ready')]);
    expect(await holds(place.path, FACTS)).toBe(false);
  });
  test('clears what an earlier try left, read-only folders and a symbolic link out included', async () => {
    using place = scratch();
    using outside = scratch();
    writeFileSync(join(outside.path, 'precious'), 'kept');
    await publish(place.path);
    mkdirSync(join(place.path, '.staging/half'), { recursive: true });
    writeFileSync(join(place.path, '.staging/half/written'), 'x');
    symlinkSync(outside.path, join(place.path, '.staging/link'));
    chmodSync(join(place.path, '.staging/half'), 0o555);
    const root = await openModelRoot(place.path);
    await root.clear();
    await root.close();
    expect(readdirSync(place.path)).toEqual([]);
    expect(readFileSync(join(outside.path, 'precious'), 'utf8')).toBe('kept');
  });
});

describe('attack 60: something was planted where the model goes', () => {
  test('a symbolic link as the target, as its parent, or dangling is E_PATH_LINK', async () => {
    using place = scratch();
    mkdirSync(join(place.path, 'real/sub'), { recursive: true });
    symlinkSync(join(place.path, 'real'), join(place.path, 'link'));
    symlinkSync(join(place.path, 'nowhere'), join(place.path, 'dangling'));
    for (const target of ['link', 'link/sub', 'dangling']) expect(await failure(openModelRoot(join(place.path, target)))).toEqual(withCode('E_PATH_LINK'));
  });
  test('a FIFO or a file as the target is E_PATH_CONFLICT, and is not opened', async () => {
    using place = scratch();
    execFileSync('mkfifo', [join(place.path, 'fifo')]);
    writeFileSync(join(place.path, 'file'), '');
    for (const target of ['fifo', 'file']) expect(await failure(openModelRoot(join(place.path, target)))).toEqual(withCode('E_PATH_CONFLICT'));
  });
  test.each(['model', '.staging', '.ready', '.attempts'])('a symbolic link named %s is E_PATH_LINK and stays', async (name) => {
    using place = scratch();
    symlinkSync('/etc', join(place.path, name));
    expect(await failure(openModelRoot(place.path))).toEqual(withCode('E_PATH_LINK'));
    expect(lstatSync(join(place.path, name)).isSymbolicLink()).toBe(true);
  });
  test('a FIFO named model, a folder named .ready, or anything that is not ours is E_PATH_CONFLICT', async () => {
    for (const plant of [
      (at: string) => execFileSync('mkfifo', [join(at, 'model')]),
      (at: string) => mkdirSync(join(at, '.ready')),
      (at: string) => mkdirSync(join(at, 'theirs')),
    ]) {
      using place = scratch();
      plant(place.path);
      expect(await failure(openModelRoot(place.path))).toEqual(withCode('E_PATH_CONFLICT'));
    }
  });
});

describe('attack 61: a symbolic link is swapped in during the run', () => {
  test('for a folder of the staging: E_PATH_LINK, and nothing is written through it', async () => {
    using place = scratch();
    using outside = scratch();
    const root = await openModelRoot(place.path);
    const target = root.stage(['deep/a', 'deep/b']);
    target.create('deep/a', 1).finish();
    renameSync(join(place.path, '.staging/deep'), join(place.path, '.staging/moved'));
    symlinkSync(outside.path, join(place.path, '.staging/deep'));
    expect(() => target.create('deep/b', 1)).toThrow(expect.objectContaining({ code: 'E_PATH_LINK' }));
    expect(readdirSync(outside.path)).toEqual([]);
    await root.close();
  });
  test('for a file of the staging: E_PATH_LINK', async () => {
    using place = scratch();
    using outside = scratch();
    const root = await openModelRoot(place.path);
    const target = root.stage(['a']);
    symlinkSync(join(outside.path, 'a'), join(place.path, '.staging/a'));
    expect(() => target.create('a', 1)).toThrow(expect.objectContaining({ code: 'E_PATH_LINK' }));
    expect(existsSync(join(outside.path, 'a'))).toBe(false);
    await root.close();
  });
  test('for the staging itself: files go on into our folder, publishing is E_PATH_LINK', async () => {
    using place = scratch();
    using outside = scratch();
    const root = await openModelRoot(place.path);
    const target = root.stage(['a']);
    renameSync(join(place.path, '.staging'), join(place.path, 'aside'));
    symlinkSync(outside.path, join(place.path, '.staging'));
    target.create('a', 1).finish();
    expect(readdirSync(outside.path)).toEqual([]);
    expect(() => root.publish(FACTS)).toThrow(expect.objectContaining({ code: 'E_PATH_LINK' }));
    expect(existsSync(join(place.path, 'model'))).toBe(false);
    await root.close();
  });
  test('for model/: publishing is E_PATH_LINK and what it leads to is untouched', async () => {
    using place = scratch();
    using outside = scratch();
    const root = await openModelRoot(place.path);
    root.stage(['a']).create('a', 1).finish();
    symlinkSync(outside.path, join(place.path, 'model'));
    expect(() => root.publish(FACTS)).toThrow(expect.objectContaining({ code: 'E_PATH_LINK' }));
    expect(readdirSync(outside.path)).toEqual([]);
    await root.close();
  });
  test('for the target itself: the model lands in the folder that was opened', async () => {
    using place = scratch();
    using outside = scratch();
    mkdirSync(join(place.path, 'target'));
    const root = await openModelRoot(join(place.path, 'target'));
    renameSync(join(place.path, 'target'), join(place.path, 'moved'));
    symlinkSync(outside.path, join(place.path, 'target'));
    root.stage(['a']).create('a', 1).finish();
    root.publish(FACTS);
    await root.close();
    expect(readdirSync(outside.path)).toEqual([]);
    expect(readdirSync(join(place.path, 'moved/model'))).toEqual(['a']);
  });
});

describe('attack 66: two processes on one volume', () => {
  test('the second is E_TARGET_BUSY, and may go when the first is done', async () => {
    using place = scratch();
    const first = await openModelRoot(place.path);
    expect(await failure(openModelRoot(place.path))).toEqual(withCode('E_TARGET_BUSY'));
    await first.close();
    await (await openModelRoot(place.path)).close();
  });
});
