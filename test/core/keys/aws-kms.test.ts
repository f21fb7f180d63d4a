// The aws-kms provider against a real KMS server, and behind a proxy that answers as AWS does where no server of ours can (format.md §14: attacks 67, 68).
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { CancelKeyDeletionCommand, CreateAliasCommand, DisableKeyCommand, EnableKeyCommand, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms';
import { encryptionContext } from '../../../core/envelope/context.ts';
import { newLineage } from '../../../core/envelope/lineage.ts';
import { awsKms, isKeyArn, regionOf } from '../../../core/keys/aws-kms.ts';
import { resolveKey } from '../../../core/keys/registry.ts';
import type { KeyProvider } from '../../../core/keys/provider.ts';
import { unwrapLineage } from '../../../core/keys/unwrap.ts';
import { SecretBytes } from '../../../core/secret-bytes.ts';
import { type KmsProxy, startKmsProxy } from '../../support/kms-proxy.ts';
import { type KmsServer, startKmsServer } from '../../support/kms-server.ts';
import { responseHead, startScriptedServer } from '../../support/scripted-server.ts';
import { codeOf, expectRejection } from '../refusal.ts';

jest.setTimeout(60_000); // the server is written in Python
const signal = AbortSignal.timeout(600_000);
const CONTEXT = new Map([['weightlock:v', '1'], ['tenant', 'acme']]);
const open: { close(): unknown }[] = [];
let server: KmsServer;
let proxy: KmsProxy;
let arn: string;
beforeAll(async () => {
  server = await startKmsServer();
  proxy = await startKmsProxy(server.origin);
  arn = await server.createKey();
}, 90_000);
afterAll(async () => {
  await proxy.close();
  await server.close();
});
afterEach(async () => {
  proxy.faults.splice(0);
  proxy.calls.splice(0);
  for (const thing of open.splice(0)) await thing.close();
});

function provider(endpoint = server.origin, key = arn): KeyProvider {
  const made = awsKms(key, { endpoint }, { ...server.access, allowedEndpoints: [endpoint] });
  open.push(made);
  return made;
}
const secret = (): SecretBytes => SecretBytes.take(Buffer.alloc(32, 5));
const wrapped = (context: ReadonlyMap<string, string> = CONTEXT, key = arn): Promise<Buffer> => provider(server.origin, key).wrap(secret(), context, signal);

describe('wrap and unwrap', () => {
  test('give the same DEK back, with the service\'s id of the call', async () => {
    const { dek, requestId } = await provider().unwrap(await wrapped(), CONTEXT, signal);
    expect(dek.bytes).toEqual(Buffer.alloc(32, 5));
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('make one attempt a call, each with the full ARN', async () => {
    const bytes = await wrapped();
    proxy.faults.push({ kind: 'error', status: 500, type: 'KMSInternalException' });
    await expectRejection('E_KMS_UNAVAILABLE', provider(proxy.origin).unwrap(bytes, CONTEXT, signal));
    expect(proxy.calls).toEqual(['Decrypt']);
  });
});

describe('67: what a KMS refuses', () => {
  test.each<[string, Map<string, string>]>([
    ['a changed value', new Map([['weightlock:v', '1'], ['tenant', 'evil']])], ['a changed name', new Map([['weightlock:v', '1'], ['tenants', 'acme']])],
    ['a changed reserved pair', new Map([['weightlock:v', '2'], ['tenant', 'acme']])], ['a missing pair', new Map([['weightlock:v', '1']])],
    ['one pair more', new Map([...CONTEXT, ['x', 'y']])], ['no context', new Map()],
  ])('%s of the context: E_KMS_CONTEXT', async (_, context) => {
    await expectRejection('E_KMS_CONTEXT', provider().unwrap(await wrapped(), context, signal));
  });

  test('a key that does not exist: E_KMS_NOT_FOUND', async () => {
    await expectRejection('E_KMS_NOT_FOUND', provider(server.origin, arn.replace(/.$/, (last) => (last === '0' ? '1' : '0'))).wrap(secret(), CONTEXT, signal));
  });

  test('a disabled key: E_KMS_KEY_STATE; enabled again it opens', async () => {
    const bytes = await wrapped();
    await server.client.send(new DisableKeyCommand({ KeyId: arn }));
    await expectRejection('E_KMS_KEY_STATE', provider().unwrap(bytes, CONTEXT, signal));
    await expectRejection('E_KMS_KEY_STATE', provider().wrap(secret(), CONTEXT, signal));
    await server.client.send(new EnableKeyCommand({ KeyId: arn }));
    await provider().unwrap(bytes, CONTEXT, signal);
  });

  test('a key pending deletion: E_KMS_KEY_STATE', async () => {
    const doomed = await server.createKey();
    const bytes = await wrapped(CONTEXT, doomed);
    await server.client.send(new ScheduleKeyDeletionCommand({ KeyId: doomed, PendingWindowInDays: 7 }));
    await expectRejection('E_KMS_KEY_STATE', provider(server.origin, doomed).unwrap(bytes, CONTEXT, signal));
    await server.client.send(new CancelKeyDeletionCommand({ KeyId: doomed }));
  });

  test.each([
    ['AccessDeniedException', 400, 'E_KMS_DENIED'], ['ThrottlingException', 400, 'E_KMS_THROTTLED'], ['LimitExceededException', 400, 'E_KMS_THROTTLED'], ['SomethingNew', 429, 'E_KMS_THROTTLED'],
    ['KMSInternalException', 500, 'E_KMS_UNAVAILABLE'], ['DependencyTimeoutException', 500, 'E_KMS_UNAVAILABLE'], ['KeyUnavailableException', 500, 'E_KMS_UNAVAILABLE'], ['SomethingNew', 503, 'E_KMS_UNAVAILABLE'],
    ['DisabledException', 400, 'E_KMS_KEY_STATE'], ['KMSInvalidStateException', 400, 'E_KMS_KEY_STATE'], ['InvalidKeyUsageException', 400, 'E_KMS_KEY_STATE'],
    ['IncorrectKeyException', 400, 'E_WRAP_MALFORMED'], ['InvalidCiphertextException', 400, 'E_KMS_CONTEXT'], ['NotFoundException', 400, 'E_KMS_NOT_FOUND'],
    ['ExpiredTokenException', 400, 'E_CREDENTIALS'], ['UnrecognizedClientException', 400, 'E_CREDENTIALS'], ['InvalidSignatureException', 400, 'E_CREDENTIALS'],
    ['SomethingNew', 400, 'E_KMS_DENIED'],
  ] as const)('%s with HTTP %d: %s', async (type, status, code) => {
    proxy.faults.push({ kind: 'error', status, type });
    await expectRejection(code, provider(proxy.origin).unwrap(Buffer.alloc(100), CONTEXT, signal));
  });

  test('a denial names the key, the action and the context that a policy must allow', async () => {
    proxy.faults.push({ kind: 'error', status: 400, type: 'AccessDeniedException' });
    const error = await provider(proxy.origin).unwrap(Buffer.alloc(100), CONTEXT, signal).catch((caught: unknown) => caught);
    for (const part of [arn, 'kms:Decrypt', '"tenant":"acme"', 'AccessDeniedException']) expect((error as Error).message).toContain(part);
    expect((error as { readonly next?: string }).next).toContain('kms:Decrypt');
  });

  test('a connection cut: E_KMS_UNAVAILABLE', async () => {
    proxy.faults.push({ kind: 'cut' });
    await expectRejection('E_KMS_UNAVAILABLE', provider(proxy.origin).unwrap(Buffer.alloc(100), CONTEXT, signal));
  });

  test('an answer that is no JSON: E_KMS_UNAVAILABLE, and no character of it in the message, for it may hold the DEK', async () => {
    const dek = Buffer.alloc(32, 7).toString('base64');
    for (const body of [`{"KeyId":"${arn}","Plaintext":${dek}}`, dek, `{"Plaintext":"${dek}"`]) {
      const odd = await startScriptedServer((_, socket) => void socket.write(`${responseHead(200, { 'Content-Type': 'application/x-amz-json-1.1', 'Content-Length': body.length })}${body}`));
      open.push(odd);
      const error = await provider(odd.origin).unwrap(Buffer.alloc(100), CONTEXT, signal).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'E_KMS_UNAVAILABLE' });
      expect((error as Error).message).not.toContain(dek.slice(0, 4));
    }
  });

  test('silence: E_KMS_UNAVAILABLE after the deadline of a call', async () => {
    proxy.faults.push({ kind: 'silence' });
    const impatient = awsKms(arn, { endpoint: proxy.origin }, { ...server.access, allowedEndpoints: [proxy.origin] }, 300);
    open.push(impatient);
    await expectRejection('E_KMS_UNAVAILABLE', impatient.unwrap(Buffer.alloc(100), CONTEXT, signal));
  });

  test('silence ends at once when the caller aborts, with its reason', async () => {
    proxy.faults.push({ kind: 'silence' });
    const controller = new AbortController();
    const pending = provider(proxy.origin).unwrap(Buffer.alloc(100), CONTEXT, controller.signal);
    controller.abort(new Error('stop'));
    await expect(pending).rejects.toThrow('stop');
  });

  test('a denial in another dialect than KMS\'s own: E_KMS_DENIED by its status', async () => {
    const text = '<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>';
    const other = await startScriptedServer((_, socket) => void socket.end(`${responseHead(403, { 'Content-Length': text.length, 'Content-Type': 'text/xml' })}${text}`));
    open.push(other);
    await expectRejection('E_KMS_DENIED', provider(other.origin).unwrap(Buffer.alloc(100), CONTEXT, signal));
  });

  test('something that is no KMS: E_KMS_UNAVAILABLE', async () => {
    const web = await startScriptedServer((_, socket) => void socket.end(`${responseHead(502, { 'Content-Length': 13, 'Content-Type': 'text/html' })}<html></html>`));
    open.push(web);
    await expectRejection('E_KMS_UNAVAILABLE', provider(web.origin).unwrap(Buffer.alloc(100), CONTEXT, signal));
  });
});

describe('67: what a KMS must not answer', () => {
  test.each([31, 33, 0])('a DEK of %d bytes: E_WRAP_MALFORMED', async (length) => {
    const bytes = await wrapped();
    proxy.faults.push({ kind: 'alter', change: (answer) => ({ ...answer, Plaintext: Buffer.alloc(length, 1).toString('base64') }) });
    await expectRejection('E_WRAP_MALFORMED', provider(proxy.origin).unwrap(bytes, CONTEXT, signal));
  });

  test('another key than was asked for: E_WRAP_MALFORMED, in both directions', async () => {
    const bytes = await wrapped();
    const alter = { kind: 'alter', change: (answer: Record<string, unknown>) => ({ ...answer, KeyId: arn.replace('key/', 'key/a') }) } as const;
    proxy.faults.push(alter, alter);
    await expectRejection('E_WRAP_MALFORMED', provider(proxy.origin).unwrap(bytes, CONTEXT, signal));
    await expectRejection('E_WRAP_MALFORMED', provider(proxy.origin).wrap(secret(), CONTEXT, signal));
  });
});

describe('through the allow-list', () => {
  const lineage = newLineage();
  const pairs = new Map([['tenant', 'acme']]);
  const wrapUnder = async (key: string): Promise<{ provider: string; key: string; context: ReadonlyMap<string, string>; wrapped: Buffer }> => ({
    provider: 'aws-kms', key, context: pairs, wrapped: await provider(server.origin, key).wrap(lineage.dek, encryptionContext(lineage, pairs), signal),
  });
  const atOnce = { now: () => 0, random: () => 0, sleep: async () => undefined };

  test('a sealed lineage opens', async () => {
    const { lineage: opened, key } = await unwrapLineage(lineage, [await wrapUnder(arn)], [{ key: provider(), context: { tenant: 'acme' } }], signal, atOnce);
    expect(key).toBe(arn);
    expect(opened.bodyKey.equals(lineage.bodyKey.bytes)).toBe(true);
  });

  test('67: a wrap whose pair was altered in the bucket: E_KMS_CONTEXT', async () => {
    const altered = { ...(await wrapUnder(arn)), context: new Map([['tenant', 'evil']]) };
    await expectRejection('E_KMS_CONTEXT', unwrapLineage(lineage, [altered], [{ key: provider(), context: {} }], signal, atOnce));
  });

  test('67: a wrap made under another key and listed under ours: refused, at the latest by the commitment', async () => {
    const other = await server.createKey();
    const planted = { ...(await wrapUnder(other)), key: arn };
    const outcome = await unwrapLineage(lineage, [planted], [{ key: provider(), context: {} }], signal, atOnce).then(() => 'accepted', (error: unknown) => codeOf(() => { throw error; }));
    expect(['E_KEY_COMMITMENT', 'E_WRAP_MALFORMED', 'E_KMS_CONTEXT']).toContain(outcome);
  });

  test('67: a service that answers with another DEK: E_KEY_COMMITMENT', async () => {
    const good = await wrapUnder(arn);
    proxy.faults.push({ kind: 'alter', change: (answer) => ({ ...answer, Plaintext: Buffer.alloc(32, 1).toString('base64') }) });
    await expectRejection('E_KEY_COMMITMENT', unwrapLineage(lineage, [good], [{ key: provider(proxy.origin), context: {} }], signal, atOnce));
  });

  test('68: a key that the service would use, but the list doesn\'t name, is not even asked: E_NO_USABLE_WRAP', async () => {
    const other = await wrapUnder(await server.createKey());
    await expectRejection('E_NO_USABLE_WRAP', unwrapLineage(lineage, [other], [{ key: provider(proxy.origin), context: {} }], signal, atOnce));
    expect(proxy.calls).toEqual([]);
  });

  test('a throttled call is made again, and then opens', async () => {
    const good = await wrapUnder(arn);
    proxy.faults.push({ kind: 'error', status: 400, type: 'ThrottlingException' }, { kind: 'cut' });
    await unwrapLineage(lineage, [good], [{ key: provider(proxy.origin), context: {} }], signal, atOnce);
    expect(proxy.calls).toEqual(['Decrypt', 'Decrypt', 'Decrypt']);
  });
});

describe('which key is meant', () => {
  test('an alias is resolved to the full ARN; a full ARN costs no call', async () => {
    await server.client.send(new CreateAliasCommand({ AliasName: 'alias/model', TargetKeyId: arn }));
    const access = { ...server.access, allowedEndpoints: [proxy.origin] };
    const where = { region: 'us-east-1', endpoint: proxy.origin };
    const entry = { awsKms: { keyArn: arn, region: 'us-east-1', endpoint: proxy.origin } };
    for (const id of ['alias/model', arn.split('/')[1] ?? '', arn]) expect(await resolveKey({ provider: 'aws-kms', id }, where, access, signal)).toEqual(entry);
    expect(proxy.calls).toEqual(['DescribeKey', 'DescribeKey']);
    await expectRejection('E_KMS_NOT_FOUND', resolveKey({ provider: 'aws-kms', id: 'alias/none' }, where, access, signal));
  });

  test('only full key ARNs name a KEK; their region is theirs', () => {
    expect(isKeyArn('arn:aws:kms:eu-west-1:111122223333:key/mrk-0123')).toBe(true);
    for (const id of ['alias/x', 'arn:aws:kms:eu-west-1:111122223333:alias/x', '1234', 'arn:aws:s3:::b', `${arn}\n`, `${arn}/x`]) expect(isKeyArn(id)).toBe(false);
    expect(['arn:aws-cn:kms:cn-north-1:111122223333:alias/x', 'alias/x'].map(regionOf)).toEqual(['cn-north-1', undefined]);
  });

  test('nothing is opened without credentials, for an alias, or at a foreign endpoint', () => {
    const codes = [
      () => awsKms(arn, {}, { credentials: { kind: 'anonymous' }, allowedEndpoints: [] }),
      () => awsKms('alias/x', {}, server.access),
      () => awsKms(arn, { endpoint: 'http://127.0.0.1:1' }, { ...server.access, allowedEndpoints: [] }),
      () => awsKms(arn, { endpoint: 'https://kms.example' }, { credentials: { kind: 'instanceRole' }, allowedEndpoints: [] }),
    ].map(codeOf);
    expect(codes).toEqual(['E_CREDENTIALS', 'E_CONFIG', 'E_ENDPOINT_REFUSED', 'E_ENDPOINT_REFUSED']);
  });
});
