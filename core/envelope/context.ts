// The encryption context every wrap is bound to, and its one canonical byte form (docs/format.md §6).
import { needs } from '../errors.ts';
import { MAX_CONTEXT_PAIRS, MAX_NAME_BYTES } from './limits.ts';
import type { LineageId } from './lineage.ts';
import type { WrapContext } from '../keys/provider.ts';

const USER_KEY = /^[a-z][a-z0-9._-]{0,63}$/;

/** Checks the publisher's own pairs: <= 8, key `[a-z][a-z0-9._-]{0,63}`, value 1-256 bytes of well-formed UTF-8. Throws E_SCHEMA. */
export function checkContextPairs(pairs: ReadonlyMap<string, string>): void {
  needs(pairs.size <= MAX_CONTEXT_PAIRS, 'E_SCHEMA', `an encryption context has ${pairs.size} pairs; the limit is ${MAX_CONTEXT_PAIRS}`);
  for (const [key, value] of pairs) {
    needs(USER_KEY.test(key), 'E_SCHEMA', `the encryption context key ${JSON.stringify(key)} does not match [a-z][a-z0-9._-]{0,63}`);
    const bytes = Buffer.byteLength(value);
    needs(value.isWellFormed() && bytes >= 1 && bytes <= MAX_NAME_BYTES, 'E_SCHEMA', `the encryption context value of ${key} must have 1 to ${MAX_NAME_BYTES} bytes of UTF-8`);
  }
}

/** The full context: the three reserved pairs and the publisher's. AWS KMS receives it as EncryptionContext. */
export function encryptionContext(id: LineageId, pairs: ReadonlyMap<string, string>): WrapContext {
  checkContextPairs(pairs);
  return new Map([['weightlock:v', '1'], ['weightlock:envelope', id.envelopeId], ['weightlock:commit', id.commitment], ...pairs]);
}

const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);
const sized = (text: Buffer): Buffer[] => [u16(text.length), text];

/** "weightlock/v1 ctx\0" || u16 n || (u16 klen || k || u16 vlen || v)*, sorted by the keys' UTF-8 bytes: AAD of providers that bind bytes. */
export function canonicalContext(context: WrapContext): Buffer {
  const pairs = [...context].map(([key, value]) => [Buffer.from(key), Buffer.from(value)] as const).sort(([a], [b]) => Buffer.compare(a, b));
  return Buffer.concat([Buffer.from('weightlock/v1 ctx\0'), u16(pairs.length), ...pairs.flatMap(([key, value]) => [...sized(key), ...sized(value)])]);
}
