// The certificate that one replica serves: made at start and at two thirds of its life, signed by the installation's CA, never written anywhere.
import 'reflect-metadata'; // @peculiar/x509 needs it loaded first
import { KeyObject, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { type Authority, BACKDATED_MS, EC, randomSerial, SIGNATURE } from './authority.ts';
import type { ServingCertificate } from './certificate-source.ts';

const LEAF_MS = 30 * 86_400_000; // a CA is replaced with 122 days to go: no leaf outlives the CA that signed it

export interface Leaf extends ServingCertificate {
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SHA-256 of the CA's certificate, hex. */
  readonly issuer: string;
}

/** `dnsNames`: at least one; the API server asks for `<service>.<namespace>.svc`. */
export async function signLeaf({ certificate: ca, key: signingKey }: Authority, dnsNames: readonly string[], now: number): Promise<Leaf> {
  const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const [notBefore, notAfter] = [new Date(now - BACKDATED_MS), new Date(Math.min(now + LEAF_MS, ca.notAfter.getTime()))];
  const certificate = await X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    subject: 'CN=Weightlock webhook',
    issuer: ca.subject,
    notBefore,
    notAfter,
    signingAlgorithm: SIGNATURE,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(dnsNames.map((value) => ({ type: 'dns' as const, value }))),
      await AuthorityKeyIdentifierExtension.create(ca.publicKey),
    ],
  });
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }),
    notBefore,
    notAfter,
    issuer: await fingerprint(ca),
  };
}

/** SHA-256 of a certificate, hex. */
export async function fingerprint(certificate: Authority['certificate']): Promise<string> {
  return Buffer.from(await certificate.getThumbprint('SHA-256')).toString('hex');
}
