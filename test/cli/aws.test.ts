// The command line against a real S3 server and a real KMS server.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { CreateBucketCommand, ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { CreateAliasCommand, DisableKeyCommand, EnableKeyCommand } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { COMMANDS } from '../../cli/commands.ts';
import { eventually } from '../support/eventually.ts';
import { startKmsServer, type KmsServer } from '../support/kms-server.ts';
import { startS3Server, type S3Server } from '../support/s3-server.ts';
import { ended, place, type Place } from './weightlock.ts';

jest.setTimeout(240_000); // servers, many processes, a busy machine

const MIB = 2 ** 20;
let s3: S3Server;
let kms: KmsServer;
let here: Place;
let memory: string;
let arn: string;
const weights = randomBytes(20 * MIB + 3);

beforeAll(async () => {
  memory = await mkdtemp('/dev/shm/weightlock-aws-');
  [s3, kms] = await Promise.all([startS3Server(memory), startKmsServer()]);
  arn = await kms.createKey();
  await kms.client.send(new CreateAliasCommand({ AliasName: 'alias/models', TargetKeyId: arn }));
  await s3.client.send(new CreateBucketCommand({ Bucket: 'acme-models' }));
  if (s3.access.credentials.kind !== 'files') throw new Error('the S3 server gives its credentials as files');
  const secret = async (name: string): Promise<string> => (await readFile(`${s3.access.credentials.kind === 'files' ? s3.access.credentials.directory : ''}/${name}`, 'utf8')).trim();
  here = await place({ AWS_ACCESS_KEY_ID: await secret('accessKeyId'), AWS_SECRET_ACCESS_KEY: await secret('secretAccessKey'), AWS_REGION: 'us-east-1' });
  await mkdir(here.path('model'));
  await writeFile(here.path('model/model.safetensors'), weights);
  await writeFile(here.path('model/config.json'), '{}');
});
afterAll(async () => {
  await Promise.all([s3.close(), kms.close(), here[Symbol.asyncDispose]()]);
  await rm(memory, { recursive: true });
});

const servers = (): readonly string[] => ['--s3-endpoint', s3.origin, '--path-style', '--kms-endpoint', kms.origin];
const seal = (prefix: string, ...more: readonly string[]): readonly string[] => ['seal', 'model', `s3://models/${prefix}`, '--key', 'aws-kms:alias/models', '--name', 'acme/m', '--version', '1.10', ...servers(), ...more];
const allowed = (): readonly string[] => ['--allow-endpoint', s3.origin, '--allow-endpoint', kms.origin];
const keys = async (prefix: string): Promise<readonly string[]> => ((await s3.client.send(new ListObjectsV2Command({ Bucket: 'models', Prefix: `${prefix}/` }))).Contents ?? []).map(({ Key }) => Key ?? '');

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const pending = async (): Promise<number> => (await s3.client.send(new ListMultipartUploadsCommand({ Bucket: 'models' }))).Uploads?.length ?? 0;
/** Of the examples: both ways of sealing write model.yaml, and the others read what the one for a cluster wrote. */
const order = (line: string): number => (line.startsWith('weightlock init') ? 0 : line.includes('seal ./my-model') ? 1 : line.includes('seal ./llama-ft') ? 2 : 3);

describe('sealed to S3 under KMS', () => {
  beforeAll(async () => {
    const ran = await here.run(...seal('m', '--context', 'tenant=acme', '--emit', 'model.yaml', '--namespace', 'serving', '--service-account', 'llama', '--secret-ref', 'demo'));
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringContaining('AWS credentials: the environment (AWS_ACCESS_KEY_ID)') });
    // A full ARN and a cluster's places: nothing in it that a cluster would refuse.
    expect(ran.stderr).not.toContain('refuse');
  });

  test('records the key behind the alias, the context and both endpoints', async () => {
    expect(parse(await readFile(here.path('model.yaml'), 'utf8'))).toMatchObject({
      metadata: { name: 'm-1', namespace: 'serving' },
      spec: {
        source: { s3: { bucket: 'models', prefix: 'm', region: 'us-east-1', endpoint: s3.origin, pathStyle: true } },
        keys: [{ awsKms: { keyArn: arn, region: 'us-east-1', endpoint: kms.origin }, context: { tenant: 'acme' } }],
        access: { serviceAccountNames: ['llama'], secretRef: { name: 'demo' } },
      },
    });
  });

  test('opens with the file alone, where the person allows its endpoints', async () => {
    expect(await here.json('verify', 'model.yaml', ...allowed())).toMatchObject({ verified: true, files: 2, key: { provider: 'aws-kms', id: arn, requestId: expect.any(String) } });
    const { path } = await here.json('open', 'model.yaml', '--to', `${memory}/opened`, ...allowed());
    expect(sha256(await readFile(`${String(path)}/model.safetensors`))).toBe(sha256(weights));
  });

  test('gives no credentials to an endpoint that only the file names', async () => {
    expect(await here.run('verify', 'model.yaml')).toMatchObject({ status: 20, stdout: '', stderr: expect.stringContaining('E_ENDPOINT_REFUSED') });
    expect(await here.run('verify', 'model.yaml', '--allow-endpoint', s3.origin)).toMatchObject({ status: 20, stderr: expect.stringContaining(kms.origin) });
    expect(await here.run('verify', 'model.yaml', '--allow-endpoint', kms.origin)).toMatchObject({ status: 20, stderr: expect.stringContaining(s3.origin) });
  });

  test('opens by URL with typed pins and endpoints', async () => {
    const url = ['s3://models/m', ...servers(), '--key', `aws-kms:${arn}`] as const;
    expect(await here.json('verify', ...url, '--name', 'acme/m', '--context', 'tenant=acme')).toMatchObject({ pinnedBy: 'name' });
    expect(await here.run('verify', ...url, '--name', 'acme/m', '--context', 'tenant=other')).toMatchObject({ status: 30, stderr: expect.stringContaining('E_NO_USABLE_WRAP') });
    expect(await here.json('ls', 's3://models/m', '--s3-endpoint', s3.origin, '--path-style')).toMatchObject([{ latest: true }]);
    expect(await here.json('inspect', 'model.yaml', ...allowed())).toMatchObject({ wraps: [{ provider: 'aws-kms', key: arn, context: { tenant: 'acme' } }] });
  });

  test('stays as it is when a second version comes', async () => {
    const before = await here.json('inspect', 'model.yaml', ...allowed());
    expect(await here.json(...seal('m', '--previous', 'model.yaml'))).toMatchObject({ sequence: 2, previous: before['digest'] });
    expect(await here.json('verify', 'model.yaml', ...allowed())).toMatchObject({ sequence: 1, digest: before['digest'] });
  });
});

describe('what the services refuse', () => {
  test('a disabled key is learned before anything is uploaded, and by readers', async () => {
    await here.json(...seal('disabled', '--emit', 'disabled.yaml'));
    await kms.client.send(new DisableKeyCommand({ KeyId: arn }));
    try {
      expect(await here.run(...seal('never'))).toMatchObject({ status: 30, stdout: '', stderr: expect.stringContaining('E_KMS_KEY_STATE') });
      expect(await keys('never')).toEqual([]);
      expect(await here.run('verify', 'disabled.yaml', ...allowed())).toMatchObject({ status: 30, stderr: expect.stringContaining('E_KMS_KEY_STATE') });
    } finally {
      await kms.client.send(new EnableKeyCommand({ KeyId: arn }));
    }
  });

  test.each<[string, () => readonly string[], number, string]>([
    ['an alias that is not there', () => ['seal', 'model', 's3://models/x', '--key', 'aws-kms:alias/gone', '--name', 'n', '--version', '1', ...servers()], 30, 'E_KMS_NOT_FOUND'],
    ['a bucket that is not there', () => ['seal', 'model', 's3://no-such-bucket/x', '--key', 'aws-kms:alias/models', '--name', 'n', '--version', '1', ...servers()], 20, 'E_STORE_NOT_FOUND'],
    ['a prefix without a model', () => ['inspect', 's3://models/nothing', '--s3-endpoint', s3.origin, '--path-style'], 20, 'E_STORE_NOT_FOUND'],
    ['a server that is not there', () => ['inspect', 's3://models/m', '--s3-endpoint', 'http://127.0.0.1:9', '--path-style'], 21, 'E_STORE_UNAVAILABLE'],
  ])('%s', async (_, words, status, code) => {
    const ran = await here.run(...words());
    expect(ran).toMatchObject({ status, stdout: '', stderr: expect.stringContaining(`${code}: `) });
    expect(ran.stderr).toMatch(/\n {2}next: \S/);
  });

  test('credentials that are wrong, or none', async () => {
    const words = ['ls', 's3://models/m', '--s3-endpoint', s3.origin, '--path-style'] as const;
    await using wrong = await place({ AWS_ACCESS_KEY_ID: 'weightlocktest', AWS_SECRET_ACCESS_KEY: 'wrong', AWS_REGION: 'us-east-1' });
    expect(await wrong.run(...words)).toMatchObject({ status: 30, stderr: expect.stringContaining('E_CREDENTIALS') });
    await using none = await place({ AWS_REGION: 'us-east-1' });
    expect(await none.run(...words)).toMatchObject({ status: 30, stderr: expect.stringContaining('E_CREDENTIALS') });
  });
});

describe('publishing to S3', () => {
  test('by several at once: each publishes, one after the other', async () => {
    const sealed = await Promise.all(Array.from({ length: 3 }, () => here.json(...seal('race'))));
    expect(sealed.map((one) => Number(one['sequence'])).toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
    // Each: two files, manifest, envelope, version; and one latest.json.
    expect(await keys('race')).toHaveLength(3 * 5 + 1);
  });

  test('stopped in the middle leaves no object and no pending upload', async () => {
    await mkdir(here.path('big'));
    const file = await open(here.path('big/w'), 'w');
    await file.truncate(8192 * MIB);
    await file.close();
    await writeFile(here.path('big/config.json'), '{}');
    const child = here.start('seal', 'big', ...seal('stopped').slice(2));
    child.stdin.end();
    const end = ended(child);
    await eventually('the upload has begun', async () => (await pending()) > 0);
    child.kill('SIGTERM');
    expect(await end).toMatchObject({ status: 143, stdout: '' });
    expect(await keys('stopped')).toEqual([]);
    expect(await pending()).toBe(0);
  });
});

/** What the examples speak of stands here under another name, and real servers behind other endpoints. */
async function runExample(line: string): Promise<{ readonly status: number | null; readonly stderr: string }> {
  const words = line.replaceAll('file:///tmp/', `file://${here.path('')}`).replaceAll('/dev/shm/', `${memory}/`).split(' ').slice(1);
  const reaches = words.some((word) => word.startsWith('s3://'));
  const wants = (flag: string): boolean => words[0] === 'seal' || flag !== '--kms-endpoint';
  const endpoints = reaches ? [['--s3-endpoint', s3.origin], ['--path-style'], ['--kms-endpoint', kms.origin]].filter(([flag = '']) => wants(flag)).flat() : [];
  const file = words[1] === 'model.yaml' ? allowed() : [];
  return here.run(...words, ...endpoints, ...file);
}

test('every example of every manual runs as it stands', async () => {
  await mkdir(here.path('my-model'));
  await mkdir(here.path('llama-ft'));
  for (const folder of ['my-model', 'llama-ft']) await writeFile(here.path(`${folder}/config.json`), '{}');
  await writeFile(here.path('deployment.yaml'), `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, weightlock.dev/inject: "true"}, annotations: {weightlock.dev/models: llama-ft-1}}
    spec: {containers: [{name: server, image: "server:1"}]}
`);
  const examples = (await Promise.all(COMMANDS.map(async (listed) => (await listed.load()).manual.examples))).flat().map(({ line }) => line);
  expect(examples.length).toBeGreaterThanOrEqual(COMMANDS.length);
  for (const line of examples.toSorted((a, b) => order(a) - order(b))) expect({ line, ...(await runExample(line)) }).toMatchObject({ line, status: 0 });
});

test('a reader that goes away ends a listing quietly', async () => {
  const child = here.start('help', 'seal');
  child.stdin.end();
  child.stdout.destroy();
  const [status] = (await once(child, 'close')) as [number | null];
  expect([0, 141]).toContain(status);
});
