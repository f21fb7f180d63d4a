// The data path against a real S3 server behind a gate that misbehaves: what is transient is overcome, what stays is refused with its code.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { loadFiles } from '../../../core/opening/load-files.ts';
import { openModel } from '../../../core/opening/open-model.ts';
import type { PlaintextTarget } from '../../../core/opening/plaintext-target.ts';
import { SYSTEM_PACING, type Pacing } from '../../../core/retry.ts';
import { openStore, openStoreForWriting } from '../../../core/stores/registry.ts';
import { startS3Server, type S3Server } from '../../support/s3-server.ts';
import { startS3Gate, type Asked, type S3Gate, type Treatment } from './s3-gate.ts';
import { scratch, type Scratch } from './scratch.ts';
import { allowed, copyTo, FILES, fileOf, policyOf, sealInto, type Sealed } from './sealed.ts';

const MODEL = 'model-00001-of-00002.safetensors';
const PASS: Treatment = { kind: 'pass' };
/** Real time, without the waiting. */
const HASTY: Pacing = { ...SYSTEM_PACING, sleep: async (_milliseconds, signal) => signal.throwIfAborted() };

let place: Scratch;
let server: S3Server;
let sealed: Sealed;
let gate: S3Gate | undefined;
beforeAll(async () => {
  place = scratch();
  server = await startS3Server();
  sealed = await sealInto(place.path);
  const store = openStoreForWriting({ s3: server.source('tiny') }, server.access, null);
  await copyTo(sealed, store);
  store.close();
}, 120_000);
afterAll(async () => {
  place[Symbol.dispose]();
  await server.close();
});
afterEach(async () => {
  await gate?.close();
  gate = undefined;
});

const objectOf = (path: string): string => `objects/${fileOf(sealed, path).object}`;

const head = ({ key, range }: Asked): boolean => key === objectOf(MODEL) && range === 'bytes=0-137';
const inRange = ({ key, range }: Asked): boolean => key === objectOf(MODEL) && range !== 'bytes=0-137';
const small = ({ key }: Asked): boolean => key === objectOf('config.json');
const firstRange = (asked: Asked): boolean => inRange(asked) && asked.before === 1;

/** Gathers what it is given, as the target of a load. */
function memory(): PlaintextTarget & { readonly files: Map<string, Buffer>; readonly finished: string[] } {
  const files = new Map<string, Buffer>();
  const finished: string[] = [];
  return {
    files, finished,
    create: (path, bytes) => {
      const whole = Buffer.alloc(bytes);
      files.set(path, whole);
      return { write: (part, position) => void part.copy(whole, position), finish: () => void finished.push(path), abandon: () => {} };
    },
  };
}

interface Run {
  readonly code: string;
  readonly files: ReadonlyMap<string, Buffer>;
  readonly finished: readonly string[];
  readonly retried: readonly string[];
  readonly asked: readonly Asked[];
  readonly bytes: number;
}

async function load(treat: (asked: Asked) => Treatment, { connections = 4 }: { readonly connections?: number } = {}): Promise<Run> {
  gate = await startS3Gate(server.origin, '/models/tiny', treat);
  const store = openStore({ s3: { ...server.source('tiny'), endpoint: gate.origin } }, { ...server.access, allowedEndpoints: [gate.origin] });
  const target = memory();
  const retried: string[] = [];
  let bytes = 0;
  const observer = { verified: (more: number) => { bytes += more; }, fileDone: () => {}, retrying: (path: string) => retried.push(path) };
  const signal = AbortSignal.timeout(60_000);
  let code = 'loaded';
  try {
    using model = await openModel(policyOf(sealed), store, await allowed(sealed.keyPath), signal, HASTY);
    await loadFiles(model, store, target, { content: 'Digest', connections, observer, pacing: HASTY }, signal);
  } catch (error) {
    code = (error as { code?: string }).code ?? String(error);
  } finally {
    store.close();
  }
  return { code, files: target.files, finished: target.finished, retried, asked: gate.asked, bytes };
}
const startOf = (range: string | undefined): number => Number(/bytes=(\d+)-/.exec(range ?? '')?.[1]);
const byStart = (a: string | undefined, b: string | undefined): number => startOf(a) - startOf(b);
const whole = (run: Run): boolean => run.finished.length === FILES.size && [...FILES].every(([path, bytes]) => run.files.get(path)?.equals(bytes) === true);

describe('a load over S3', () => {
  test('asks once for the head of each file and once for each 8-MiB range, and for nothing twice', async () => {
    const run = await load(() => PASS);
    expect(run.code).toBe('loaded');
    expect(whole(run)).toBe(true);
    expect(run.bytes).toBe(sealed.totals.bytes);
    const requests = run.asked.filter(({ key }) => key.startsWith('objects/'));
    // the manifest, five heads of which four bring the whole file, two ranges
    expect(requests).toHaveLength(1 + 5 + 2);
    const second = 138 + 8 * (2 ** 20 + 32);
    const end = 138 + 9 * 2 ** 20 + 12_345 + 10 * 32;
    const ranges = requests.filter(({ key }) => key === objectOf(MODEL)).map(({ range }) => range);
    expect(ranges.toSorted(byStart)).toEqual(['bytes=0-137', `bytes=138-${second - 1}`, `bytes=${second}-${end - 1}`]);
  });

  test('goes on after the last verified segment when a connection is cut in a range', async () => {
    const run = await load((asked) => (firstRange(asked) ? { kind: 'cut', after: 3 * (2 ** 20 + 32) + 1000 } : PASS), { connections: 1 });
    expect(run.code).toBe('loaded');
    expect(whole(run)).toBe(true);
    expect(run.bytes).toBe(sealed.totals.bytes);
    expect(run.retried).toEqual([MODEL]);
    const [, , again] = run.asked.filter(({ key }) => key === objectOf(MODEL));
    const resumed = startOf(again?.range);
    expect((resumed - 138) % (2 ** 20 + 32)).toBe(0); // at a segment's start
    expect(resumed).toBeGreaterThan(138);
  });

  test('outlasts throttling and failures of single requests', async () => {
    const run = await load(({ key, before }) => (key.startsWith('objects/') && before < 2 ? { kind: 'refuse', status: 503, code: 'SlowDown' } : PASS));
    expect(run.code).toBe('loaded');
    expect(whole(run)).toBe(true);
  });

  test('that is throttled for good ends with E_STORE_THROTTLED after a bounded number of requests', async () => {
    const run = await load(({ key, before }) => (key === objectOf(MODEL) && before > 0 ? { kind: 'refuse', status: 503, code: 'SlowDown' } : PASS), { connections: 1 });
    expect(run.code).toBe('E_STORE_THROTTLED');
    expect(run.asked.filter(({ key }) => key === objectOf(MODEL))).toHaveLength(1 + 10);
    expect(run.finished).not.toContain(MODEL);
  });

  test('whose signal is aborted ends with the signal\'s reason while an answer is outstanding', async () => {
    const ended = new AbortController();
    gate = await startS3Gate(server.origin, '/models/tiny', ({ key, range }) => {
      if (key !== objectOf(MODEL) || range === 'bytes=0-137') return PASS;
      queueMicrotask(() => ended.abort(new Error('enough')));
      return { kind: 'hold' };
    });
    const store = openStore({ s3: { ...server.source('tiny'), endpoint: gate.origin } }, { ...server.access, allowedEndpoints: [gate.origin] });
    using model = await openModel(policyOf(sealed), store, await allowed(sealed.keyPath), ended.signal);
    const observer = { verified: () => {}, fileDone: () => {}, retrying: () => {} };
    await expect(loadFiles(model, store, memory(), { content: 'Digest', connections: 4, observer }, ended.signal)).rejects.toThrow('enough');
    store.close();
  });
});

describe('tampering on the way', () => {
  const third = 3 * (2 ** 20 + 32) + 500;

  test('once is overcome by one more GET, from the tampered segment on', async () => {
    const run = await load((asked) => (inRange(asked) && asked.before === 1 ? { kind: 'flip', at: third } : PASS), { connections: 1 });
    expect(run.code).toBe('loaded');
    expect(whole(run)).toBe(true);
    expect(run.retried).toEqual([MODEL]);
    expect(run.asked.filter(inRange)[1]?.range).toBe(`bytes=${138 + 3 * (2 ** 20 + 32)}-${138 + 8 * (2 ** 20 + 32) - 1}`);
  });

  test('twice is E_SEGMENT_AUTH, and nothing of the segment reached the target', async () => {
    const run = await load((asked) => (inRange(asked) && asked.before <= 2 ? { kind: 'flip', at: asked.before === 1 ? third : 500 } : PASS), { connections: 1 });
    expect(run.code).toBe('E_SEGMENT_AUTH');
    expect(run.asked.filter(inRange)).toHaveLength(2);
    const written = run.files.get(MODEL) ?? Buffer.alloc(0);
    expect(written.subarray(0, 3 * 2 ** 20).equals(FILES.get(MODEL)?.subarray(0, 3 * 2 ** 20) ?? Buffer.alloc(0))).toBe(true);
    expect(written.subarray(3 * 2 ** 20, 4 * 2 ** 20).every((byte) => byte === 0)).toBe(true);
  });

  test('with a file that comes with its header: once is overcome, twice is E_SEGMENT_AUTH', async () => {
    const once = await load((asked) => (small(asked) && asked.before === 0 ? { kind: 'flip', at: 160 } : PASS));
    expect(once.code).toBe('loaded');
    expect(whole(once)).toBe(true);
    await gate?.close();
    const twice = await load((asked) => (small(asked) ? { kind: 'flip', at: asked.before === 0 ? 160 : 22 } : PASS));
    expect(twice.code).toBe('E_SEGMENT_AUTH');
    expect(twice.asked.filter(small)).toHaveLength(2);
  });

  test('with a header: once is overcome, twice is final', async () => {
    expect((await load((asked) => (head(asked) && asked.before === 0 ? { kind: 'flip', at: 110 } : PASS))).code).toBe('loaded');
    await gate?.close();
    expect((await load((asked) => (head(asked) ? { kind: 'flip', at: 110 } : PASS))).code).toBe('E_OBJECT_MISMATCH');
  });
});
