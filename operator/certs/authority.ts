// The certificate authority of one installation: made, kept in a Secret, read back with suspicion. P-256, self-signed, may sign leaves only.
import 'reflect-metadata'; // @peculiar/x509 needs it loaded first
import { createPublicKey, createPrivateKey, KeyObject, randomBytes, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** The Secret's `data`, decoded: `tls.crt`, `tls.key`, `previous.crt`; all absent in the one that the chart creates. */
export type CaData = Readonly<Record<string, Buffer>>;

export interface Authority {
  readonly certificate: X509Certificate;
  readonly key: CryptoKey;
}

export type StoredAuthority =
  | {
      readonly kind: 'usable';
      readonly authority: Authority;
      /** The one before, while leaves of it may still be served. */ readonly previous: X509Certificate | undefined;
    }
  | { readonly kind: 'empty' }
  | { readonly kind: 'unusable'; readonly why: string };

export const EC = { name: 'ECDSA', namedCurve: 'P-256' } as const;
export const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
const CA_DAYS = 365; // replaced after 243: a third of a year for every replica to hear of the next
/** Certificates start this long ago: clocks of nodes differ. */
export const BACKDATED_MS = 300_000;

export async function makeAuthority(now: number): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const serialNumber = randomSerial();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber,
    name: `CN=Weightlock webhook CA ${serialNumber.slice(0, 12)}`, // unlike the one before: verifiers look issuers up by name
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(now + CA_DAYS * DAY_MS),
    signingAlgorithm: SIGNATURE,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, key: keys.privateKey };
}

/** What to keep: `previous` is the certificate that the bundle goes on naming. */
export function storeAuthority({ certificate, key }: Authority, previous: X509Certificate | undefined): CaData {
  return {
    'tls.crt': Buffer.from(`${certificate.toString('pem')}\n`),
    'tls.key': Buffer.from(KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' })),
    ...(previous === undefined ? {} : { 'previous.crt': Buffer.from(`${previous.toString('pem')}\n`) }),
  };
}

/** Only what this program could have made is usable: a CA, signed by the very key beside it, valid now. */
export async function readAuthority(data: CaData, now: number): Promise<StoredAuthority> {
  const [crt, key, previous] = [data['tls.crt'], data['tls.key'], data['previous.crt']];
  if (crt === undefined && key === undefined) return { kind: 'empty' };
  if (crt === undefined || key === undefined) return { kind: 'unusable', why: 'one of tls.crt, tls.key is missing' };
  try {
    const certificate = new X509Certificate(crt.toString('utf8'));
    const secret = createPrivateKey(key);
    const own = createPublicKey(secret).export({ type: 'spki', format: 'der' });
    if (!own.equals(Buffer.from(certificate.publicKey.rawData))) return { kind: 'unusable', why: 'tls.key is not the key of tls.crt' };
    if (certificate.getExtension(BasicConstraintsExtension)?.ca !== true) return { kind: 'unusable', why: 'tls.crt is not a CA' };
    if (!(await certificate.verify({ date: new Date(now) })))
      return {
        kind: 'unusable',
        why: `tls.crt is not signed by itself, or not valid now (${certificate.notBefore.toISOString()} to ${certificate.notAfter.toISOString()})`,
      };
    const signing = await webcrypto.subtle.importKey('pkcs8', secret.export({ type: 'pkcs8', format: 'der' }), EC, true, ['sign']);
    return { kind: 'usable', authority: { certificate, key: signing }, previous: readPrevious(previous, now) };
  } catch (error) {
    return { kind: 'unusable', why: error instanceof Error ? error.message : String(error) };
  }
}

/** Two thirds of a certificate's life are over. */
export function isDue({ notBefore, notAfter }: { readonly notBefore: Date; readonly notAfter: Date }, now: number): boolean {
  return now >= notBefore.getTime() + ((notAfter.getTime() - notBefore.getTime()) * 2) / 3;
}

/** 16 random bytes, hex, positive and without a leading zero (RFC 5280 §4.1.2.2). */
export function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}

/** A certificate that is no longer valid, or none at all, is left out: the current one alone is a bundle. */
function readPrevious(pem: Buffer | undefined, now: number): X509Certificate | undefined {
  if (pem === undefined) return undefined;
  try {
    const certificate = new X509Certificate(pem.toString('utf8'));
    return certificate.notAfter.getTime() > now ? certificate : undefined;
  } catch {
    return undefined;
  }
}
