import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { WeightlockError } from '../../../core/errors.ts';
import { createLocalKey, openLocalKey } from '../../../core/keys/local-file.ts';
import type { KeyProvider } from '../../../core/keys/provider.ts';
import { loadFiles } from '../../../core/opening/load-files.ts';
import { openModel } from '../../../core/opening/open-model.ts';
import { NOWHERE } from '../../../core/opening/plaintext-target.ts';
import { scanFolder } from '../../../core/publishing/scan-folder.ts';
import { sealModel, type SealedModel, type SealRequest } from '../../../core/publishing/seal-model.ts';
import { FileWriter } from '../../../core/stores/file-writer.ts';
import type { PutCondition } from '../../../core/stores/store.ts';

const never = new AbortController().signal;
let place: string;
let key: KeyProvider;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'seal-'));
  await mkdir(join(place, 'model'));
  for (const name of ['a', 'b', 'c']) await writeFile(join(place, 'model', name), name.repeat(10));
  await createLocalKey(join(place, 'key'));
  key = await openLocalKey(join(place, 'key'));
});
afterEach(async () => {
  key.close();
  await rm(place, { recursive: true });
});

/** A real store in which a test may do something of its own around each change. */
class WatchedWriter extends FileWriter {
  around: (key: string, put: () => Promise<{ readonly etag: string }>) => Promise<{ readonly etag: string }> = (_, put) => put();
  beforeRead: (key: string) => void = () => {};
  beforeRemove: (key: string) => void = () => {};

  override putSmall(key: string, bytes: Buffer, condition: PutCondition, signal: AbortSignal): Promise<{ readonly etag: string }> {
    return this.around(key, () => super.putSmall(key, bytes, condition, signal));
  }
  override putStream(key: string, length: number, body: AsyncIterable<Buffer>, signal: AbortSignal): Promise<{ readonly etag: string }> {
    return this.around(key, () => super.putStream(key, length, body, signal));
  }
  override async readSmall(key: string, maxBytes: number, signal: AbortSignal): Promise<{ readonly bytes: Buffer; readonly etag: string }> {
    this.beforeRead(key);
    return super.readSmall(key, maxBytes, signal);
  }
  override async remove(key: string, signal: AbortSignal): Promise<void> {
    this.beforeRemove(key);
    await super.remove(key, signal);
  }
}

interface Sealing {
  readonly store: WatchedWriter;
  readonly said: { renumbered: number[]; leftBehind: string[] };
  readonly run: (change?: Partial<SealRequest>, signal?: AbortSignal) => Promise<SealedModel>;
}

function sealing(name = 'store'): Sealing {
  const store = new WatchedWriter(join(place, name));
  const said = { renumbered: [] as number[], leftBehind: [] as string[] };
  return {
    store, said,
    run: async (change = {}, signal = never) => sealModel({
      folder: await scanFolder(join(place, 'model'), never), store, recipients: [{ key, context: {} }], model: { name: 'acme/m', version: '1' }, position: { kind: 'latest' }, hash: 'blake3', now: () => new Date(),
      observer: { sealed: () => {}, fileDone: () => {}, renumbered: (sequence) => said.renumbered.push(sequence), leftBehind: (keys) => said.leftBehind.push(...keys) },
      ...change,
    }, signal),
  };
}

const stored = async (name = 'store'): Promise<readonly string[]> =>
  (await readdir(join(place, name), { recursive: true, withFileTypes: true }).catch(() => [])).filter((entry) => entry.isFile()).map((entry) => `${entry.parentPath}/${entry.name}`.slice(join(place, name).length + 1)).toSorted((a, b) => a.localeCompare(b));

async function read(digest: string, name = 'store') {
  const reader = new WatchedWriter(join(place, name));
  using model = await openModel({ digest, content: 'Digest', files: { include: [], exclude: [] }, now: () => Date.now() / 1000 }, reader, [{ key, context: {} }], never);
  await loadFiles(model, reader, NOWHERE, { content: 'Digest', connections: 2, observer: { verified: () => {}, fileDone: () => {}, retrying: () => {} } }, never);
  return { manifest: model.manifest, lineage: model.lineage.commitment };
}
const lost = (): WeightlockError => new WeightlockError('E_STORE_UNAVAILABLE', 'the answer was lost');

describe('sealing a folder', () => {
  test('gives a model that opens, in a lineage of its own each time', async () => {
    const one = await sealing().run();
    const two = await sealing().run({ hash: 'sha256', model: { name: 'acme/m', version: '2' } });
    expect(one.lineage).not.toBe(two.lineage);
    expect(await read(one.digest)).toMatchObject({ lineage: one.lineage, manifest: { sequence: 1, previous: null, expires: null, model: { name: 'acme/m', version: '1' }, totals: { files: 3, bytes: 30 } } });
    const { manifest } = await read(two.digest);
    expect(manifest).toMatchObject({ sequence: 2, previous: `sha256:${one.digest}`, created: two.created });
    expect(manifest.files.map(({ path, shards }) => [path, shards.alg])).toEqual([['a', 'sha256'], ['b', 'sha256'], ['c', 'sha256']]);
  });

  test('wraps the key for each recipient, with its own context', async () => {
    await createLocalKey(join(place, 'other'));
    const other = await openLocalKey(join(place, 'other'));
    const { digest, envelopeId } = await sealing().run({ recipients: [{ key, context: { tenant: 'acme' } }, { key: other, context: {} }] });
    const envelope = JSON.parse(await readFile(join(place, 'store/envelopes', `${envelopeId}.json`), 'utf8')) as { wraps: { key: string; context: object }[] };
    expect(envelope.wraps.map(({ key, context }) => [key, context])).toEqual([[key.key, { tenant: 'acme' }], [other.key, {}]]);
    await read(digest);
    await expect(sealing('twice').run({ recipients: [{ key, context: {} }, { key, context: {} }] })).rejects.toMatchObject({ code: 'E_USAGE' });
    expect(await stored('twice')).toEqual([]);
  });

  test('stores in the order of §2, and nothing twice', async () => {
    const { store, run } = sealing();
    const order: string[] = [];
    store.around = (key, put) => (order.push(key.replace(/\/.*/, '')), put());
    await run();
    expect(order).toEqual(['objects', 'objects', 'objects', 'objects', 'envelopes', 'versions', 'latest.json']);
    expect(await stored()).toHaveLength(7);
  });

  test.each<[string, Partial<SealRequest>, string]>([
    ['a name with a line feed', { model: { name: 'a\nb', version: '1' } }, 'E_USAGE'],
    ['no version', { model: { name: 'a', version: '' } }, 'E_USAGE'],
    ['no recipient', { recipients: [] }, 'E_USAGE'],
  ])('refuses %s before it stores anything', async (_, change, code) => {
    await expect(sealing().run(change)).rejects.toMatchObject({ code });
    expect(await stored()).toEqual([]);
  });

  test('refuses a context that no wrap may carry before it stores anything', async () => {
    await expect(sealing().run({ recipients: [{ key, context: { Tenant: 'acme' } }] })).rejects.toMatchObject({ code: 'E_SCHEMA' });
    expect(await stored()).toEqual([]);
  });
});

describe('a sealing that fails', () => {
  test('because a file changed takes everything back', async () => {
    const { run, said } = sealing();
    const folder = await scanFolder(join(place, 'model'), never);
    await writeFile(join(place, 'model/b'), 'other bytes');
    await expect(run({ folder })).rejects.toMatchObject({ code: 'E_SOURCE_CHANGED', message: expect.stringMatching(/^b changed/) });
    expect(await stored()).toEqual([]);
    expect(said.leftBehind).toEqual([]);
  });

  test.each(['objects', 'envelopes', 'versions', 'latest.json'])('at %s takes everything back', async (folder) => {
    const { store, run } = sealing();
    store.around = (key, put) => (key.startsWith(folder) ? Promise.reject(new WeightlockError('E_STORE_DENIED', 'not here')) : put());
    await expect(run()).rejects.toMatchObject({ code: 'E_STORE_DENIED' });
    expect(await stored()).toEqual([]);
  });

  test('because it was stopped takes everything back', async () => {
    const { store, run } = sealing();
    const controller = new AbortController();
    store.around = async (key, put) => {
      if (key.startsWith('envelopes')) controller.abort(new Error('stopped'));
      return put();
    };
    await expect(run({}, controller.signal)).rejects.toThrow('stopped');
    expect(await stored()).toEqual([]);
  });

  test('names what it could not take back, and leaves a version whole rather than in part', async () => {
    const { store, run, said } = sealing();
    store.around = (key, put) => (key === 'latest.json' ? Promise.reject(new WeightlockError('E_STORE_DENIED', 'not here')) : put());
    store.beforeRemove = (key) => {
      if (key.startsWith('versions/')) throw new WeightlockError('E_STORE_DENIED', 'no delete');
    };
    await expect(run()).rejects.toMatchObject({ code: 'E_STORE_DENIED', message: 'not here' });
    const [version = ''] = await readdir(join(place, 'store/versions'));
    expect(said.leftBehind).toHaveLength(6);
    expect((await read(version.slice(0, 64))).manifest.sequence).toBe(1);
  });
});

describe('two publishers', () => {
  test('who meet at latest.json get one number each, and the second one seals its manifest again', async () => {
    const first = sealing();
    const second = sealing();
    let between: SealedModel | undefined;
    second.store.around = async (key, put) => {
      if (key === 'latest.json' && between === undefined) between = await first.run();
      return put();
    };
    const late = await second.run({ model: { name: 'acme/m', version: 'late' } });
    expect(between?.sequence).toBe(1);
    expect(late).toMatchObject({ sequence: 2, previous: between?.digest });
    expect(second.said.renumbered).toEqual([2]);
    expect((await read(late.digest)).manifest).toMatchObject({ sequence: 2, previous: `sha256:${between?.digest}` });
    expect(await read(between?.digest ?? '')).toMatchObject({ manifest: { sequence: 1 } });
    // Each: three files, manifest, envelope, version; and one latest.json. The overtaken manifest and version are gone.
    expect(await stored()).toHaveLength(2 * 6 + 1);
    expect(JSON.parse(await readFile(join(place, 'store/latest.json'), 'utf8'))).toMatchObject({ version: late.digest, sequence: 2 });
  });

  test('who seal at the same time get consecutive numbers', async () => {
    const sealed = await Promise.all(Array.from({ length: 4 }, () => sealing().run()));
    const line = sealed.toSorted((a, b) => a.sequence - b.sequence);
    expect(line.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    expect(line.map(({ previous }) => previous)).toEqual([null, ...line.slice(0, 3).map(({ digest }) => digest)]);
    for (const { digest } of sealed) await read(digest);
    expect(await stored()).toHaveLength(4 * 6 + 1);
  });

  test('who never cease to meet end in a conflict, and the loser leaves nothing', async () => {
    const { store, run } = sealing();
    let met = 0;
    store.around = async (key, put) => {
      if (key === 'latest.json') {
        met++;
        await writeFile(join(place, 'store/latest.json'), JSON.stringify({ format: 'weightlock.latest/1.0', version: 'f'.repeat(64), sequence: met * 2 }));
      }
      return put();
    };
    await expect(run()).rejects.toMatchObject({ code: 'E_STORE_CONFLICT' });
    expect(met).toBe(8);
    expect(await stored()).toEqual(['latest.json']);
  });
});

describe('an answer that is lost', () => {
  test.each(['latest.json', 'versions', 'envelopes'])('though %s was written does not matter', async (folder) => {
    const { store, run, said } = sealing();
    store.around = async (key, put) => {
      const result = await put();
      if (key.startsWith(folder)) throw lost();
      return result;
    };
    const { digest } = await run();
    expect(said.renumbered).toEqual([]);
    expect((await read(digest)).manifest.sequence).toBe(1);
    expect(await stored()).toHaveLength(7);
  });

  test('before latest.json was written leaves the version whole: the request may still arrive', async () => {
    const { store, run } = sealing();
    let late: (() => Promise<unknown>) | undefined;
    store.around = (key, put) => {
      if (key !== 'latest.json') return put();
      late = put;
      return Promise.reject(lost());
    };
    await expect(run()).rejects.toMatchObject({ code: 'E_STORE_UNAVAILABLE', message: expect.stringContaining('may not be the latest') });
    expect(await stored()).toHaveLength(6);
    await late?.();
    const { version } = JSON.parse(await readFile(join(place, 'store/latest.json'), 'utf8')) as { version: string };
    expect((await read(version)).manifest.sequence).toBe(1);
  });

  test('because the person stopped it there does so too', async () => {
    const { store, run } = sealing();
    const controller = new AbortController();
    store.around = async (key, put) => {
      if (key === 'latest.json') {
        controller.abort(new Error('stopped'));
        throw controller.signal.reason;
      }
      return put();
    };
    await expect(run({}, controller.signal)).rejects.toMatchObject({ code: 'E_STORE_UNAVAILABLE' });
    expect(await stored()).toHaveLength(6);
  });

  test('and stays lost leaves the version whole, for latest.json may name it', async () => {
    const { store, run } = sealing();
    store.around = async (key, put) => {
      const result = await put();
      if (key !== 'latest.json') return result;
      store.beforeRead = () => {
        throw lost();
      };
      throw lost();
    };
    await expect(run()).rejects.toMatchObject({ code: 'E_STORE_UNAVAILABLE', message: expect.stringContaining('may not be the latest') });
    const { version } = JSON.parse(await readFile(join(place, 'store/latest.json'), 'utf8')) as { version: string };
    expect((await read(version)).manifest.sequence).toBe(1);
  });
});

test('a damaged latest.json stops a sealing before anything is stored, and stays as it is', async () => {
  await mkdir(join(place, 'store'));
  await writeFile(join(place, 'store/latest.json'), '{"sequence": 1}');
  await expect(sealing().run()).rejects.toMatchObject({ code: 'E_SCHEMA', message: expect.stringContaining('latest.json') });
  expect(await stored()).toEqual(['latest.json']);
});
