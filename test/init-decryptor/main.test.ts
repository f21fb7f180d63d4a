// The decryptor as a process against real S3 and KMS servers and a real tmpfs: what it leaves behind, says and exits with.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DisableKeyCommand } from '@aws-sdk/client-kms';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { DECRYPTOR_SCHEMA, type DecryptorConfig } from '../../core/api/decryptor-config.ts';
import { openKey } from '../../core/keys/registry.ts';
import { scanFolder } from '../../core/publishing/scan-folder.ts';
import { sealModel, type SealedModel } from '../../core/publishing/seal-model.ts';
import { openStoreForWriting } from '../../core/stores/registry.ts';
import { eventually } from '../support/eventually.ts';
import { startKmsProxy, type KmsProxy } from '../support/kms-proxy.ts';
import { startKmsServer, type KmsServer } from '../support/kms-server.ts';
import { startS3Server, type S3Server } from '../support/s3-server.ts';
import { startS3Gate, type Asked, type S3Gate, type Treatment } from '../core/opening/s3-gate.ts';
import { scratch, type Scratch } from '../core/opening/scratch.ts';
import { FILES, NEVER } from '../core/opening/sealed.ts';
import { runDecryptor, startDecryptor } from './decryptor.ts';
import { memoryVolume } from './memory-volume.ts';

/** A process start takes a second or more on a busy machine. */
jest.setTimeout(180_000);

const PASS: Treatment = { kind: 'pass' };
const MIB = 2 ** 20;
const BYTES = [...FILES.values()].reduce((sum, { length }) => sum + length, 0);

let place: Scratch;
let s3: S3Server;
let kms: KmsServer;
let proxy: KmsProxy;
let keyArn: string;
let sealed: SealedModel;
let gate: S3Gate;
let treat: (asked: Asked) => Treatment = () => PASS;
let target: Scratch;

beforeAll(async () => {
  place = scratch();
  [s3, kms] = await Promise.all([startS3Server(), startKmsServer()]);
  proxy = await startKmsProxy(kms.origin);
  keyArn = await kms.createKey();
  sealed = await sealUnder(keyArn, 'tiny');
});
afterAll(async () => {
  await Promise.all([proxy.close(), s3.close(), kms.close()]);
  place[Symbol.dispose]();
});

const ignore = (): void => {};

async function sealUnder(arn: string, prefix: string): Promise<SealedModel> {
  const plain = join(place.path, 'plain');
  for (const [path, bytes] of FILES) {
    mkdirSync(join(plain, path, '..'), { recursive: true });
    writeFileSync(join(plain, path), bytes);
  }
  const key = await openKey({ awsKms: { keyArn: arn, endpoint: kms.origin } }, kms.access);
  const store = openStoreForWriting({ s3: s3.source(prefix) }, s3.access, null);
  try {
    return await sealModel({
      folder: await scanFolder(plain, NEVER), store, recipients: [{ key, context: { tenant: 'acme' } }], model: { name: 'acme/tiny', version: '1.0' },
      position: { kind: 'latest' }, hash: 'blake3', now: () => new Date(), observer: { sealed: ignore, fileDone: ignore, renumbered: ignore, leftBehind: ignore },
    }, NEVER);
  } finally {
    key.close();
    store.close();
  }
}

/** A fresh gate and target for each test. */
async function arrange(treatment: (asked: Asked) => Treatment = () => PASS): Promise<void> {
  treat = treatment;
  gate = await startS3Gate(s3.origin, `/${s3.bucket}/tiny`, (asked) => treat(asked));
  target = scratch();
}
afterEach(async () => {
  await gate.close();
  target[Symbol.dispose]();
  proxy.calls.length = 0;
  proxy.faults.length = 0;
});

/** ministack takes any credentials: it is given S3's. */
function config(changes: Partial<DecryptorConfig> = {}): DecryptorConfig {
  return {
    schema: DECRYPTOR_SCHEMA,
    source: { s3: { ...s3.source('tiny'), endpoint: gate.origin, region: 'us-east-1' } },
    keys: [{ awsKms: { keyArn, endpoint: proxy.origin }, context: { tenant: 'acme' } }],
    model: { name: 'acme/tiny', version: '1.0' },
    manifest: { digest: `sha256:${sealed.digest}`, lineage: sealed.lineage, bytes: BYTES, files: FILES.size },
    verify: { content: 'Digest' },
    files: { include: [], exclude: [] },
    credentials: s3.access.credentials,
    allowedEndpoints: [gate.origin, proxy.origin],
    swap: 'Warn',
    target: { path: target.path, requireTmpfs: true, reuse: true },
    logLevel: 'info',
    ...changes,
  };
}
const run = (changes: Partial<DecryptorConfig> = {}, options: Parameters<typeof runDecryptor>[2] = {}): ReturnType<typeof runDecryptor> => runDecryptor(place.path, config(changes), options);
const left = (path = target.path): string[] => readdirSync(path).toSorted((a, b) => a.localeCompare(b));
const complete = (path = target.path): boolean => [...FILES].every(([file, bytes]) => existsSync(join(path, 'model', file)) && readFileSync(join(path, 'model', file)).equals(bytes));
const weightsAsked = (): Asked[] => gate.asked.filter(({ key, range }) => key.startsWith('objects/') && range !== undefined && key !== manifestKey());
const manifestKey = (): string => gate.asked.find(({ key }) => key.startsWith('objects/'))?.key ?? '';

describe('a load', () => {
  test('leaves the verified model, says what it did, and exits 0', async () => {
    await arrange();
    const { status, outcome, stderr, stdout } = await run();
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(left()).toEqual(['.attempts', '.ready', 'model']);
    expect(complete()).toBe(true);
    expect(outcome).toEqual({
      schema: 'weightlock.outcome/1.0', model: 'acme/tiny@1.0', mode: 'load', code: null, message: 'the model is verified and in place',
      digest: `sha256:${sealed.digest}`, lineage: sealed.lineage,
      key: { provider: 'aws-kms', id: keyArn }, kmsRequestId: expect.any(String), unwrappedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      files: FILES.size, bytes: BYTES, milliseconds: expect.any(Number), attempts: 1,
    });
    expect(JSON.parse(stdout)).toEqual(outcome);
    expect(proxy.calls).toEqual(['Decrypt']);
  });

  const AS_ANOTHER = ['setpriv', '--reuid', '65532', '--regid', '65532', '--clear-groups', '--no-new-privs', '--bounding-set', '-all', '--'];
  const readable = spawnSync(AS_ANOTHER[0] ?? '', [...AS_ANOTHER.slice(1), 'test', '-r', import.meta.filename]).status === 0;
  (readable ? test : test.skip)('as another user than root, without any capability, beside an empty model/ that root made: the same', async () => {
    await arrange();
    const { credentials } = s3.access;
    if (credentials.kind !== 'files') throw new Error('the S3 server gives its credentials as files');
    cpSync(credentials.directory, join(place.path, 'credentials'), { recursive: true });
    for (const folder of [place.path, target.path, join(place.path, 'credentials')]) chmodSync(folder, 0o777);
    mkdirSync(join(target.path, 'model'), { mode: 0o700 }); // as the kubelet may, for a subPath mount
    const { status, stderr } = await run({ credentials: { kind: 'files', directory: join(place.path, 'credentials') } }, { wrapper: AS_ANOTHER });
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stderr).not.toContain('"level":"warn"');
    expect(complete()).toBe(true);
    expect(statSync(join(target.path, 'model')).uid).toBe(65532);
  });

  test('that cannot write its outcome says so and is a success all the same', async () => {
    await arrange();
    expect(await run({}, { args: ['--outcome', place.path] })).toMatchObject({ status: 0, stderr: expect.stringContaining(`cannot write the outcome to ${place.path}`) });
    expect(complete()).toBe(true);
  });

  test('writes no key, no plaintext and no signature into logs or outcome, at any level', async () => {
    await arrange();
    const { stderr, stdout, outcome } = await run({ logLevel: 'debug' });
    const said = stderr + stdout + JSON.stringify(outcome);
    expect(said).not.toMatch(/X-Amz-Signature|weightlocktestsecret|hidden_size|CiphertextBlob/i);
    const answer = new Set<string>();
    proxy.faults.push({ kind: 'alter', change: (real) => {
      answer.add(String(real['Plaintext']));
      return real;
    } });
    const again = await run({ logLevel: 'debug', target: { path: target.path, requireTmpfs: true, reuse: false } });
    const [dek = ''] = answer;
    expect(dek).toHaveLength(44);
    for (const spelling of [dek, Buffer.from(dek, 'base64').toString('hex')]) expect(again.stderr + again.stdout + JSON.stringify(again.outcome)).not.toContain(spelling);
  });

  test('of chosen files asks for those alone; sums that differ are E_TOTALS with the right ones', async () => {
    await arrange();
    const files = { include: ['*.json'], exclude: ['tokenizer/**'] };
    const wrong = await run({ files });
    expect(wrong).toMatchObject({ status: 50, outcome: { code: 'E_TOTALS' } });
    expect(wrong.outcome?.message).toContain('Set manifest.files to 1 and manifest.bytes to 21');
    expect(weightsAsked()).toEqual([]);
    const { manifest } = config();
    expect(await run({ files, manifest: { ...manifest, files: 1, bytes: 21 } })).toMatchObject({ status: 0, outcome: { files: 1, bytes: 21, attempts: 2 } });
    expect(left(join(target.path, 'model'))).toEqual(['config.json']);
  });

  test('with --check opens the manifest, asks for no weights and writes nothing', async () => {
    await arrange();
    expect(await run({}, { args: ['--check'] })).toMatchObject({ status: 0, outcome: { mode: 'check', code: null, files: FILES.size, bytes: BYTES, key: { id: keyArn } } });
    expect(weightsAsked()).toEqual([]);
    expect(left()).toEqual([]);
  });
});

describe('a restart', () => {
  test('over a complete model asks for no weights again, but for the key', async () => {
    await arrange();
    await run();
    const before = gate.asked.length;
    const inode = statSync(join(target.path, 'model')).ino;
    expect(await run()).toMatchObject({ status: 0, outcome: { bytes: BYTES, attempts: 2 } });
    expect(gate.asked.slice(before).map(({ key }) => key.split('/')[0]).toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual(['envelopes', 'objects', 'versions']);
    expect(statSync(join(target.path, 'model')).ino).toBe(inode);
    expect(proxy.calls).toEqual(['Decrypt', 'Decrypt']);
  });
  test('loads again where the volume may have been written by others', async () => {
    await arrange();
    await run();
    const inode = statSync(join(target.path, 'model')).ino;
    expect(await run({ target: { path: target.path, requireTmpfs: true, reuse: false } })).toMatchObject({ status: 0 });
    expect(statSync(join(target.path, 'model')).ino).not.toBe(inode);
    expect(complete()).toBe(true);
  });

  test('65: after SIGKILL at any request converges, and until then no model/ is to be seen', async () => {
    await arrange();
    let after = 0;
    for (;;) {
      gate.open();
      await gate.close();
      let seen = 0;
      const stop = after;
      gate = await startS3Gate(s3.origin, `/${s3.bucket}/tiny`, () => (seen++ < stop ? PASS : { kind: 'hold' }));
      const running = startDecryptor(place.path, config());
      const outcome = await Promise.race([eventually('a held request', () => gate.held() > 0 && 'held'), running.ended.then(({ status }) => `ended ${status}`)]);
      if (outcome !== 'held') {
        expect(outcome).toBe('ended 0');
        break;
      }
      await running.kill('SIGKILL');
      expect(left().filter((name) => name === 'model' || name === '.ready')).toEqual([]);
      after += 1;
    }
    expect(after).toBe(3 + FILES.size + 2); // version, envelope, manifest; a head for each file; two ranges
    expect(complete()).toBe(true);
    expect(readFileSync(join(target.path, '.attempts'), 'utf8')).toBe(String(after + 1));
  });
});

describe('SIGTERM', () => {
  test.each(['versions/', 'objects/'])('while %s is awaited ends it at once with 143 and leaves nothing of the model', async (awaited) => {
    await arrange(({ key, before }) => (key.startsWith(awaited) && (awaited === 'versions/' || key !== manifestKey() || before > 0) ? { kind: 'hold' } : PASS));
    const running = startDecryptor(place.path, config());
    await eventually('a held request', () => gate.held() > 0);
    expect(Number.parseInt(readFileSync(`/proc/${running.process.pid}/coredump_filter`, 'utf8'), 16)).toBe(0); // core(5): no page of it in a dump
    expect(await running.kill('SIGTERM')).toMatchObject({ status: 143, outcome: null });
    expect(gate.held()).toBeGreaterThan(0); // it did not wait for an answer
    expect(left()).toEqual(['.attempts']);
  });
});

describe('66: two decryptors on one volume', () => {
  test('the second is refused with E_TARGET_BUSY and disturbs nothing', async () => {
    await arrange(({ key }) => (key.startsWith('versions/') ? { kind: 'hold' } : PASS));
    const first = startDecryptor(place.path, config());
    await eventually('a held request', () => gate.held() > 0);
    expect(await run()).toMatchObject({ status: 70, outcome: { code: 'E_TARGET_BUSY' } });
    gate.open();
    expect(await first.ended).toMatchObject({ status: 0 });
    expect(complete()).toBe(true);
  });
});

describe('room', () => {
  test('a volume that is too small is E_NO_SPACE before the first byte of weights, and says what to set', async () => {
    await arrange();
    await using volume = await memoryVolume(target.path, 'size=8m');
    const { status, outcome } = await run({}, volume);
    expect({ status, outcome }).toMatchObject({ status: 70, outcome: { code: 'E_NO_SPACE', bytes: 0 } });
    expect(outcome?.message).toMatch(/the model needs 10\.\d MiB in .*, which has 8\.00 MiB free of 8\.00 MiB\. Set the volume's sizeLimit to at least 11Mi/);
    expect(weightsAsked()).toEqual([]);
    expect(left(volume.seen)).toEqual(['.attempts']);
  });

  test('64: a volume that fills up in mid-file is E_NO_SPACE; nothing is published, staging is gone', async () => {
    const model = (): string | undefined => gate.asked.find(({ range }) => range?.startsWith('bytes=138-') === true)?.key;
    await arrange(({ range }) => (range?.startsWith('bytes=138-') === true ? { kind: 'hold' } : PASS));
    await using volume = await memoryVolume(target.path, 'size=16m');
    const running = startDecryptor(place.path, config(), volume);
    await eventually('the first range', () => gate.held() > 0);
    expect(model()).toBeDefined();
    writeFileSync(join(volume.seen, '.staging/filler'), Buffer.alloc(12 * MIB));
    gate.open();
    const ended = await running.ended;
    expect(ended).toMatchObject({ status: 70, outcome: { code: 'E_NO_SPACE' } });
    expect(ended.outcome?.message).toContain('the volume is full');
    expect(left(volume.seen)).toEqual(['.attempts']);
  });

  test('a disk is E_NOT_TMPFS, before the key service is asked', async () => {
    await arrange();
    using disk = scratch('/var/tmp');
    expect(await run({ target: { path: disk.path, requireTmpfs: true, reuse: true } })).toMatchObject({ status: 70, outcome: { code: 'E_NOT_TMPFS' } });
    expect(proxy.calls).toEqual([]);
    expect(await run({ target: { path: disk.path, requireTmpfs: false, reuse: true } })).toMatchObject({ status: 0 });
    expect(complete(disk.path)).toBe(true);
  });

  const V1 = '/sys/fs/cgroup/memory';
  const limited = existsSync(`${V1}/cgroup.procs`) ? test : test.skip;
  limited('64: too low a memory limit is E_MEMORY_LIMIT with a number that then suffices', async () => {
    await arrange();
    const group = `${V1}/weightlock-test-${process.pid}`;
    mkdirSync(group);
    try {
      const wrapper = ['sh', '-c', `echo $$ > ${group}/cgroup.procs && exec "$@"`, 'sh'];
      writeFileSync(`${group}/memory.limit_in_bytes`, String(140 * MIB));
      const refused = await run({}, { wrapper });
      expect(refused).toMatchObject({ status: 70, outcome: { code: 'E_MEMORY_LIMIT', bytes: 0 } });
      expect(weightsAsked()).toEqual([]);
      const [, quantity] = /Set this container's memory limit to at least (\d+)Mi/.exec(refused.outcome?.message ?? '') ?? [];
      // what the process itself takes differs a little from run to run
      writeFileSync(`${group}/memory.limit_in_bytes`, String((Number(quantity) + 24) * MIB));
      const fits = await run({}, { wrapper });
      expect({ status: fits.status, signal: fits.signal, message: fits.outcome?.message }).toEqual({ status: 0, signal: null, message: 'the model is verified and in place' });
    } finally {
      rmdirSync(group);
    }
  });
});

describe('67: the key service', () => {
  test.each([
    ['denies', { kind: 'error', status: 400, type: 'AccessDeniedException' }, 30, 'E_KMS_DENIED'],
    ['knows no such key', { kind: 'error', status: 400, type: 'NotFoundException' }, 30, 'E_KMS_NOT_FOUND'],
    ['returns another DEK', { kind: 'alter', change: (real: object) => ({ ...real, Plaintext: Buffer.alloc(32, 7).toString('base64') }) }, 50, 'E_KEY_COMMITMENT'],
    ['returns 31 bytes', { kind: 'alter', change: (real: object) => ({ ...real, Plaintext: Buffer.alloc(31, 7).toString('base64') }) }, 30, 'E_WRAP_MALFORMED'],
  ] as const)('%s: no weights are asked for, nothing is left, and the code says so', async (_what, fault, exit, code) => {
    await arrange();
    proxy.faults.push(fault);
    const { status, outcome } = await run();
    expect({ status, code: outcome?.code }).toEqual({ status: exit, code });
    expect(outcome?.key).toBeNull();
    expect(weightsAsked()).toEqual([]);
    expect(left()).toEqual(['.attempts']);
  });

  test('throttles: three tries, then E_KMS_THROTTLED; fewer are overcome', async () => {
    await arrange();
    const throttled = { kind: 'error', status: 400, type: 'ThrottlingException' } as const;
    proxy.faults.push(throttled, throttled, throttled);
    expect(await run()).toMatchObject({ status: 31, outcome: { code: 'E_KMS_THROTTLED' } });
    expect(proxy.calls).toHaveLength(3);
    proxy.faults.push(throttled, throttled);
    expect(await run()).toMatchObject({ status: 0 });
  });

  test('has the key disabled: E_KMS_KEY_STATE', async () => {
    await arrange();
    const arn = await kms.createKey();
    const other = await sealUnder(arn, 'disabled');
    await kms.client.send(new DisableKeyCommand({ KeyId: arn }));
    const { manifest, source } = config();
    const refused = await run({
      source: 's3' in source ? { s3: { ...source.s3, prefix: 'disabled' } } : source,
      keys: [{ awsKms: { keyArn: arn, endpoint: proxy.origin } }],
      manifest: { ...manifest, digest: `sha256:${other.digest}`, lineage: other.lineage },
    });
    expect(refused).toMatchObject({ status: 30, outcome: { code: 'E_KMS_KEY_STATE' } });
  });

  test('68: a key that is not on the allow-list is never asked, though it could open the model', async () => {
    await arrange();
    const other = await kms.createKey();
    expect(await run({ keys: [{ awsKms: { keyArn: other, endpoint: proxy.origin } }] })).toMatchObject({ status: 30, outcome: { code: 'E_NO_USABLE_WRAP' } });
    expect(proxy.calls).toEqual([]);
  });
});

describe('refusals', () => {
  test('a store that denies is E_STORE_DENIED; a missing version E_STORE_NOT_FOUND', async () => {
    await arrange(({ key }) => (key.startsWith('versions/') ? { kind: 'refuse', status: 403, code: 'AccessDenied' } : PASS));
    expect(await run()).toMatchObject({ status: 20, outcome: { code: 'E_STORE_DENIED' } });
    treat = () => PASS;
    const { manifest } = config();
    expect(await run({ manifest: { ...manifest, digest: `sha256:${'ab'.repeat(32)}` } })).toMatchObject({ status: 20, outcome: { code: 'E_STORE_NOT_FOUND' } });
  });

  test('a configuration that does not parse is E_CONFIG: in the termination log too, and on stderr', async () => {
    await arrange();
    const { status, outcome, stderr } = await runDecryptor(place.path, JSON.stringify({ ...config(), surprise: true }));
    expect(status).toBe(70);
    expect(outcome).toMatchObject({ code: 'E_CONFIG', model: '', digest: '' });
    expect(stderr).toContain('"surprise" is unknown');
  });

  test('an unknown argument is 2 with the usage', async () => {
    await arrange();
    expect(await run({}, { args: ['--force'] })).toMatchObject({ status: 2, stderr: expect.stringContaining('weightlock-decryptor [--check]') });
  });

  test('60: a target that is a symbolic link is E_PATH_LINK', async () => {
    await arrange();
    const link = join(place.path, 'link');
    symlinkSync(target.path, link);
    expect(await run({ target: { path: link, requireTmpfs: true, reuse: true } })).toMatchObject({ status: 60, outcome: { code: 'E_PATH_LINK' } });
  });
});
