// Keys, certificates and kubeconfigs of one cluster (kubernetes.io/docs/setup/best-practices/certificates). They live as long as the cluster.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AuthorityKeyIdentifierExtension, BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension, KeyUsageFlags, KeyUsagesExtension, PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import type { JsonGeneralNames, X509Certificate } from '@peculiar/x509';
import { API_SERVICE_ADDRESS, API_URL, NODE_ADDRESS, NODE_NAME } from './layout.ts';

const KEY = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const YEAR_MS = 365 * 24 * 3_600_000;

interface Pair {
  readonly certificate: X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

const validity = (): { notBefore: Date; notAfter: Date } => ({ notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + YEAR_MS) });
const newKeys = (): Promise<webcrypto.CryptoKeyPair> => webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify']);

async function authority(name: string): Promise<Pair> {
  const keys = await newKeys();
  const extensions = [new BasicConstraintsExtension(true, undefined, true), new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature, true)];
  return { keys, certificate: await X509CertificateGenerator.createSelfSigned({ name, keys, signingAlgorithm: KEY, extensions, ...validity() }) };
}

async function issue(ca: Pair, subject: string, usage: ExtendedKeyUsage, names: JsonGeneralNames = []): Promise<Pair> {
  const keys = await newKeys();
  const extensions = [
    new BasicConstraintsExtension(false),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([usage]),
    await AuthorityKeyIdentifierExtension.create(ca.certificate),
    ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
  ];
  const parts = { subject, issuer: ca.certificate.subject, publicKey: keys.publicKey, signingKey: ca.keys.privateKey, signingAlgorithm: KEY, extensions, ...validity() };
  return { keys, certificate: await X509CertificateGenerator.create(parts) };
}

const privatePem = async ({ keys }: Pick<Pair, 'keys'>): Promise<string> => PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
const publicPem = async (keys: webcrypto.CryptoKeyPair): Promise<string> => PemConverter.encode(await webcrypto.subtle.exportKey('spki', keys.publicKey), 'PUBLIC KEY');
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const dns = (...values: string[]): JsonGeneralNames => values.map((value) => ({ type: 'dns', value }));
const ip = (...values: string[]): JsonGeneralNames => values.map((value) => ({ type: 'ip', value }));

/** Fills `folder` with NAME.crt and NAME.key for servers and clients, NAME.kubeconfig for users, and sa.key, sa.pub. */
export async function writeCredentials(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text, { mode: 0o600 });
  const writePair = async (name: string, pair: Pair): Promise<void> => {
    write(`${name}.crt`, pair.certificate.toString('pem'));
    write(`${name}.key`, await privatePem(pair));
  };
  const [ca, front, accounts] = await Promise.all([authority('CN=weightlock-test-ca'), authority('CN=weightlock-test-front-proxy-ca'), newKeys()]);
  const { serverAuth, clientAuth } = ExtendedKeyUsage;
  const apiNames = [...dns('kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'), ...ip('127.0.0.1', NODE_ADDRESS, API_SERVICE_ADDRESS)];
  await writePair('ca', ca);
  write('front-proxy-ca.crt', front.certificate.toString('pem'));
  write('sa.key', await privatePem({ keys: accounts }));
  write('sa.pub', await publicPem(accounts));
  await writePair('apiserver', await issue(ca, 'CN=kube-apiserver', serverAuth, apiNames));
  await writePair('kubelet-server', await issue(ca, `CN=${NODE_NAME}`, serverAuth, [...dns(NODE_NAME), ...ip(NODE_ADDRESS, '127.0.0.1')]));
  await writePair('kubelet-client', await issue(ca, 'O=system:masters, CN=kube-apiserver-kubelet-client', clientAuth));
  await writePair('front-proxy-client', await issue(front, 'CN=front-proxy-client', clientAuth));
  const users = {
    admin: 'O=system:masters, CN=admin',
    'kube-controller-manager': 'CN=system:kube-controller-manager',
    'kube-scheduler': 'CN=system:kube-scheduler',
    'kube-proxy': 'CN=system:kube-proxy',
    kubelet: `O=system:nodes, CN=system:node:${NODE_NAME}`,
  };
  for (const [name, subject] of Object.entries(users)) {
    const pair = await issue(ca, subject, clientAuth);
    const user = { 'client-certificate-data': base64(pair.certificate.toString('pem')), 'client-key-data': base64(await privatePem(pair)) };
    const cluster = { server: API_URL, 'certificate-authority-data': base64(ca.certificate.toString('pem')) };
    // JSON is YAML.
    const config = { apiVersion: 'v1', kind: 'Config', clusters: [{ name: 'test', cluster }], users: [{ name, user }], contexts: [{ name: 'test', context: { cluster: 'test', user: name } }], 'current-context': 'test' };
    write(`${name}.kubeconfig`, JSON.stringify(config));
  }
}
