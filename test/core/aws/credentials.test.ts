// Where AWS credentials come from, source by source, on real or scripted services.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AwsAccess } from '../../../core/aws/access.ts';
import type { CredentialSource } from '../../../core/aws/credential-source.ts';
import { type AwsIdentity, credentialsTaken, identityProvider } from '../../../core/aws/credentials.ts';
import { awsKms } from '../../../core/keys/aws-kms.ts';
import { openStore } from '../../../core/stores/registry.ts';
import { writeCredentials } from '../../support/s3-server.ts';
import { responseHead, type Script, type ScriptedServer, startScriptedServer } from '../../support/scripted-server.ts';
import { codeOf, expectRejection } from '../refusal.ts';

jest.setTimeout(60_000); // the SDK's own retries of a metadata service
const EXPIRES = new Date(Date.now() + 3_600_000).toISOString();
const open: { close(): unknown }[] = [];
let folder: string;
let environment: NodeJS.ProcessEnv;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weightlock-credentials-'));
  environment = { ...process.env };
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, { HOME: folder, AWS_EC2_METADATA_DISABLED: 'true' });
});
afterEach(async () => {
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  Object.assign(process.env, environment);
  for (const thing of open.splice(0)) await thing.close();
  await rm(folder, { recursive: true, force: true });
});

const access = (credentials: CredentialSource, ...allowedEndpoints: string[]): AwsAccess => ({ credentials, allowedEndpoints });
async function identity(rights: AwsAccess): Promise<AwsIdentity> {
  const provider = identityProvider(rights, 'us-east-1');
  if (provider === null) throw new Error('anonymous');
  return provider();
}
async function scripted(script: Script): Promise<ScriptedServer> {
  const server = await startScriptedServer(script);
  open.push(server);
  return server;
}
const json = (status: number, body: unknown): string => {
  const text = JSON.stringify(body);
  return `${responseHead(status, { 'Content-Type': 'application/json', 'Content-Length': text.length, Connection: 'close' })}${text}`;
};

describe('files', () => {
  test('are read for every signature: what is rotated counts at once', async () => {
    await writeCredentials(folder, 'AKIDONE', 'one');
    const provider = identityProvider(access({ kind: 'files', directory: folder }), undefined);
    expect(await provider?.()).toMatchObject({ accessKeyId: 'AKIDONE', secretAccessKey: 'one' });
    await writeCredentials(folder, 'AKIDTWO', 'two');
    await writeFile(join(folder, 'sessionToken'), 'session\n');
    expect(await provider?.()).toMatchObject({ accessKeyId: 'AKIDTWO', secretAccessKey: 'two', sessionToken: 'session' });
  });

  test('that are absent or empty: E_CREDENTIALS', async () => {
    const source = access({ kind: 'files', directory: folder });
    await expectRejection('E_CREDENTIALS', identity(source));
    await writeCredentials(folder, 'AKIDONE', '');
    await expectRejection('E_CREDENTIALS', identity(source));
  });
});

const xml = (status: number, text: string): string => `${responseHead(status, { 'Content-Type': 'text/xml', 'Content-Length': text.length, Connection: 'close' })}${text}`;
const webIdentity = async (stsEndpoint?: string): Promise<CredentialSource> => {
  await writeFile(join(folder, 'token'), 'a.b.c');
  return { kind: 'webIdentity', roleArn: 'arn:aws:iam::111122223333:role/r', tokenFile: join(folder, 'token'), ...(stsEndpoint === undefined ? {} : { stsEndpoint }) };
};

describe('web identity', () => {
  const answer = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAWEB</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>${EXPIRES}</Expiration></Credentials><AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/r/weightlock</Arn><AssumedRoleId>x:y</AssumedRoleId></AssumedRoleUser></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
  test('exchanges the token for a role\'s session, and says what it took', async () => {
    const sts = await scripted((_, socket) => void socket.write(xml(200, answer)));
    const rights = access(await webIdentity(sts.origin), sts.origin);
    expect(await identity(rights)).toMatchObject({ accessKeyId: 'ASIAWEB', secretAccessKey: 's', sessionToken: 't' });
    expect(await credentialsTaken(rights, 'us-east-1')).toBe('web identity (STS), access key ASIAWEB');
    expect(sts.requests[0]).not.toMatch(/^authorization/im); // the token is the credential
  });

  test('a refusal: E_CREDENTIALS, with the role named', async () => {
    const sts = await scripted((_, socket) => void socket.write(xml(403, '<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>')));
    const error = await identity(access(await webIdentity(sts.origin), sts.origin)).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'E_CREDENTIALS' });
    expect((error as Error).message).toContain('arn:aws:iam::111122223333:role/r');
  });

  test('a token is a credential: it goes to no STS that isn\'t AWS\'s own or listed: E_ENDPOINT_REFUSED', async () => {
    const sts = await scripted((_, socket) => void socket.write(xml(200, answer)));
    const unlisted = access(await webIdentity(sts.origin));
    expect(codeOf(() => identityProvider(unlisted, 'us-east-1'))).toBe('E_ENDPOINT_REFUSED');
    process.env['AWS_ENDPOINT_URL_STS'] = sts.origin;
    await expectRejection('E_ENDPOINT_REFUSED', identity(access(await webIdentity())));
    expect(sts.requests).toEqual([]);
  });

  test('an STS that is silent holds up nobody who gives up: the caller\'s reason comes at once', async () => {
    let asked = 0;
    const controller = new AbortController();
    const sts = await scripted(() => {
      asked += 1;
      controller.abort(new Error('stop'));
    });
    const rights = access(await webIdentity(sts.origin), sts.origin);
    const store = openStore({ s3: { bucket: 'models', prefix: '', region: 'us-east-1', endpoint: sts.origin } }, rights);
    const key = awsKms('arn:aws:kms:us-east-1:111122223333:key/k', { endpoint: sts.origin }, rights);
    open.push(store, key);
    await expect(store.readSmall('latest.json', 9, controller.signal)).rejects.toThrow('stop');
    expect(asked).toBe(1); // not after the SDK's own tries
    const second = new AbortController();
    const pending = key.unwrap(Buffer.alloc(9), new Map(), second.signal);
    second.abort(new Error('stop too'));
    await expect(pending).rejects.toThrow('stop too');
    expect(asked).toBeLessThanOrEqual(2);
  });

  test('without its token file: E_CREDENTIALS', async () => {
    await expectRejection('E_CREDENTIALS', identity(access({ kind: 'webIdentity', roleArn: 'arn:aws:iam::111122223333:role/r', tokenFile: join(folder, 'none') })));
  });
});

describe('container credentials', () => {
  test('come from the agent, which gets the token of the file', async () => {
    const agent = await scripted((_, socket) => void socket.write(json(200, { AccessKeyId: 'ASIAPOD', SecretAccessKey: 's', Token: 't', Expiration: EXPIRES })));
    await writeFile(join(folder, 'token'), 'pod-token');
    const rights = access({ kind: 'container', uri: `${agent.origin}/v1/credentials`, tokenFile: join(folder, 'token') });
    expect(await identity(rights)).toMatchObject({ accessKeyId: 'ASIAPOD', sessionToken: 't' });
    expect(agent.requests[0]).toMatch(/^authorization: pod-token$/im);
    expect(await credentialsTaken(rights)).toBe('the container\'s credential service, access key ASIAPOD');
  });

  test('from anywhere but https, loopback and the two link-local addresses are not asked for: E_CREDENTIALS', async () => {
    await writeFile(join(folder, 'token'), 'pod-token');
    await expectRejection('E_CREDENTIALS', identity(access({ kind: 'container', uri: 'http://192.0.2.1/v1/credentials', tokenFile: join(folder, 'token') })));
  });

  test('an agent whose answer cannot be read: E_CREDENTIALS, and no character of it in the message', async () => {
    await writeFile(join(folder, 'token'), 'agent-token');
    const text = '{"AccessKeyId":"AKID","SecretAccessKey":wJalrXUtnFEMI}';
    const agent = await scripted((_, socket) => void socket.write(`${responseHead(200, { 'Content-Type': 'application/json', 'Content-Length': text.length, Connection: 'close' })}${text}`));
    const error = await identity(access({ kind: 'container', uri: `${agent.origin}/c`, tokenFile: join(folder, 'token') })).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'E_CREDENTIALS' });
    expect((error as Error).message).not.toContain('wJal');
  });

  test('an agent that refuses: E_CREDENTIALS', async () => {
    const agent = await scripted((_, socket) => void socket.write(json(404, { message: 'no association' })));
    await writeFile(join(folder, 'token'), 'pod-token');
    await expectRejection('E_CREDENTIALS', identity(access({ kind: 'container', uri: `${agent.origin}/v1`, tokenFile: join(folder, 'token') })));
  });
});

test('the instance role comes from the metadata service, by a session token (IMDSv2)', async () => {
  const imds = await scripted((head, socket) => {
    const text = head.startsWith('PUT') ? 'imds-token' : / \/latest\/meta-data\/iam\/security-credentials(-extended)?\/ /.test(head) ? 'node-role' : JSON.stringify({ Code: 'Success', Type: 'AWS-HMAC', AccessKeyId: 'ASIANODE', SecretAccessKey: 's', Token: 't', Expiration: EXPIRES, LastUpdated: EXPIRES });
    socket.write(`${responseHead(200, { 'Content-Length': text.length, Connection: 'close' })}${text}`);
  });
  Object.assign(process.env, { AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.origin, AWS_EC2_METADATA_DISABLED: 'false' });
  expect(await identity(access({ kind: 'instanceRole' }))).toMatchObject({ accessKeyId: 'ASIANODE' });
  expect(imds.requests.at(-1)).toMatch(/^x-aws-ec2-metadata-token: imds-token$/im);
});

describe('the default chain', () => {
  test('says that it took the environment', async () => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 's' });
    expect(await credentialsTaken(access({ kind: 'default' }))).toBe('the environment (AWS_ACCESS_KEY_ID), access key AKIDENV');
  });

  test('says that it took a profile', async () => {
    await writeFile(join(folder, 'profiles'), '[default]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = s\n');
    Object.assign(process.env, { AWS_SHARED_CREDENTIALS_FILE: join(folder, 'profiles'), AWS_CONFIG_FILE: join(folder, 'none') });
    expect(await credentialsTaken(access({ kind: 'default' }))).toBe('a profile in ~/.aws, access key AKIDPROFILE');
  });

  test('that finds nothing: E_CREDENTIALS', async () => {
    Object.assign(process.env, { AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'), AWS_CONFIG_FILE: join(folder, 'none') });
    await expectRejection('E_CREDENTIALS', credentialsTaken(access({ kind: 'default' })));
  });
});

test('nobody is nobody', async () => {
  expect(identityProvider(access({ kind: 'anonymous' }), undefined)).toBeNull();
  expect(await credentialsTaken(access({ kind: 'anonymous' }))).toBe('none (anonymous requests)');
});
