import { X509Certificate } from 'node:crypto';
import { connect, createServer } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { makeAuthority, storeAuthority } from '../../../operator/certs/authority.ts';
import { selfManaged, type SelfManaged } from '../../../operator/certs/self-managed.ts';
import { type KeptLog, keptLog } from '../../support/kept-log.ts';
import { type KeptSecret, keptSecret } from './kept-secret.ts';

const DAY = 86_400_000;
const NAME = 'weightlock.weightlock-system.svc';
const signal = new AbortController().signal;

let secret: KeptSecret;
let log: KeptLog;
let now: number;

const replica = (leads = true): SelfManaged => selfManaged({ keeper: secret, dnsNames: [NAME], isLeader: () => leads, log, now: () => now });

/** Whether a client that trusts `bundle` takes `source`'s certificate for the service's name: a real handshake. */
async function trusts(bundle: string | undefined, source: SelfManaged, servername = NAME): Promise<true | string> {
  const { certificate, key } = source.current();
  const server = createServer({ cert: certificate, key, minVersion: 'TLSv1.3' });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.on('secureConnection', (socket) => socket.end());
  const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, ca: bundle ?? '', servername });
  try {
    await once(client, 'secureConnect');
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? '';
  } finally {
    client.destroy();
    server.close();
    await once(server, 'close');
  }
}

const served = (source: SelfManaged): X509Certificate => new X509Certificate(source.current().certificate);
const certificates = (bundle = ''): readonly X509Certificate[] =>
  bundle
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter((pem) => pem.trim() !== '')
    .map((pem) => new X509Certificate(pem));

beforeEach(() => {
  secret = keptSecret();
  log = keptLog();
  now = Date.now();
});

describe('with the empty Secret of a fresh install', () => {
  test('the lease holder makes a CA, publishes it, and serves a leaf that it vouches for', async () => {
    const source = replica();
    expect(() => source.current()).toThrow('there is no serving certificate yet');
    await source.look(signal);
    expect(source.isReady).toBe(true);
    expect(await trusts(secret.bundle, source)).toBe(true);
    expect(await trusts(secret.bundle, source, 'kubernetes.default.svc')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('a replica without the lease makes nothing, and signs its own leaf once there is a CA', async () => {
    const [leader, follower] = [replica(), replica(false)];
    await follower.look(signal);
    expect([secret.version, follower.isReady]).toEqual([1, false]);
    await leader.look(signal);
    await follower.look(signal);
    expect(await trusts(secret.bundle, follower)).toBe(true);
    expect(served(follower).fingerprint256).not.toBe(served(leader).fingerprint256);
  });

  test('who writes second takes what the first wrote', async () => {
    const [first, second] = [replica(), replica()];
    let once = true;
    secret.beforeWrite = () => {
      if (!once) return;
      once = false;
      secret.data = storeAuthority(other, undefined);
      secret.version += 1;
    };
    const other = await makeAuthority(now);
    await first.look(signal);
    expect(first.isReady).toBe(false);
    await first.look(signal);
    await second.look(signal);
    expect(secret.version).toBe(2);
    expect(certificates(secret.bundle).map(({ subject }) => subject)).toEqual([other.certificate.subject]);
  });

  test('whoever waits for readiness hears of it, or of the end', async () => {
    const source = replica();
    const stop = new AbortController();
    const [waiting, ended] = [source.ready(signal), source.ready(stop.signal)];
    stop.abort(new Error('stopped'));
    await expect(ended).rejects.toThrow('stopped');
    await source.look(signal);
    await waiting;
    await source.ready(signal);
  });
});

describe('in the course of time', () => {
  test('a leaf is replaced at two thirds of its life, and listeners get the new one', async () => {
    const source = replica();
    const heard: string[] = [];
    const unsubscribe = source.onChange(({ certificate }) => heard.push(certificate));
    await source.look(signal);
    now += 19 * DAY;
    await source.look(signal);
    expect(heard).toHaveLength(1);
    now += 2 * DAY;
    await source.look(signal);
    expect(heard).toEqual([expect.any(String), source.current().certificate]);
    unsubscribe();
    now += 21 * DAY;
    await source.look(signal);
    expect(heard).toHaveLength(2);
  });

  test('a CA is replaced at two thirds of its life; the bundle names both, and leaves of both are trusted', async () => {
    const [early, late] = [replica(), replica()];
    now -= 245 * DAY; // so that the handshakes below happen inside everybody's validity
    await early.look(signal);
    const old = served(early).issuer;
    now += 225 * DAY;
    await early.look(signal);
    now += 19 * DAY;
    await late.look(signal);
    await early.look(signal);
    expect(served(late).issuer).not.toBe(old);
    expect(served(early).issuer).toBe(old);
    expect(certificates(secret.bundle)).toHaveLength(2);
    expect(await trusts(secret.bundle, late)).toBe(true);
    expect(await trusts(secret.bundle, early)).toBe(true);
  });

  test('a CA that has ended leaves the bundle', async () => {
    const source = replica();
    await source.look(signal);
    now += 244 * DAY;
    await source.look(signal);
    expect(certificates(secret.bundle)).toHaveLength(2);
    now += 123 * DAY;
    await source.look(signal);
    expect(certificates(secret.bundle)).toHaveLength(1);
  });
});

describe('recovers', () => {
  const damages: readonly [string, () => Promise<void> | void][] = [
    ['emptied', () => void (secret.data = {})],
    ['a key without a certificate', () => void (secret.data = { 'tls.key': secret.data?.['tls.key'] ?? Buffer.alloc(0) })],
    ['garbage', () => void (secret.data = { 'tls.crt': Buffer.from('x'), 'tls.key': Buffer.from('y') })],
    [
      'another key',
      async () => void (secret.data = { ...secret.data, 'tls.key': storeAuthority(await makeAuthority(now), undefined)['tls.key'] ?? Buffer.alloc(0) }),
    ],
    ['an expired CA', async () => void (secret.data = storeAuthority(await makeAuthority(now - 400 * DAY), undefined))],
    ['a CA of the future', async () => void (secret.data = storeAuthority(await makeAuthority(now + 400 * DAY), undefined))],
  ];
  test.each(damages)('from a Secret that was replaced: %s', async (_what, damage) => {
    const [leader, follower] = [replica(), replica(false)];
    await leader.look(signal);
    await follower.look(signal);
    await damage();
    secret.version += 1;
    await leader.look(signal);
    await follower.look(signal);
    expect(certificates(secret.bundle)).toHaveLength(1);
    const late = replica(false);
    await late.look(signal);
    for (const source of [leader, follower, late]) expect(await trusts(secret.bundle, source)).toBe(true);
  });

  test('from a foreign CA by signing with it: the Secret is the authority', async () => {
    const source = replica();
    await source.look(signal);
    const foreign = await makeAuthority(now);
    secret.data = storeAuthority(foreign, undefined);
    secret.version += 1;
    await source.look(signal);
    expect(served(source).issuer).toBe(foreign.certificate.subject);
    expect(await trusts(secret.bundle, source)).toBe(true);
  });

  test('from a Secret that is gone by serving on and saying what to do', async () => {
    const source = replica();
    await source.look(signal);
    secret.data = undefined;
    await expect(source.look(signal)).rejects.toThrow('apply the chart again');
    expect(await trusts(secret.bundle, source)).toBe(true);
  });

  test('from an edited bundle at the next look', async () => {
    const source = replica();
    await source.look(signal);
    secret.bundle = 'edited';
    await source.look(signal);
    expect(await trusts(secret.bundle, source)).toBe(true);
  });
});

test('running goes on after failures, until it is told to end', async () => {
  const source = replica();
  secret.data = undefined;
  const stop = new AbortController();
  const readSecret = secret.readSecret.bind(secret);
  secret.readSecret = (during) => {
    if (log.lines.length > 0) secret.data ??= {};
    return readSecret(during);
  };
  const running = source.run(stop.signal);
  await source.ready(AbortSignal.timeout(20_000));
  stop.abort();
  await running;
  expect(log.lines[0]).toMatchObject({ level: 'warn', fields: { attempt: 1 } });
});

test('nothing that is logged holds a key', async () => {
  await replica().look(signal);
  expect(JSON.stringify(log.lines)).not.toMatch(/PRIVATE|-----/);
});
