// A lineage: one DEK under one envelope id, the body key every object is sealed with, and the public commitment that pins both (docs/format.md §3).
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { needs } from '../errors.ts';
import { SecretBytes } from '../secret-bytes.ts';
import { hkdf } from './hkdf.ts';

export const DEK_BYTES = 32;
const ENVELOPE_ID_BYTES = 16;
const DERIVED_BYTES = 32;

/** What identifies a lineage; both lower-case hex, both public. `commitment` is the lineage pin. */
export interface LineageId {
  readonly envelopeId: string;
  readonly commitment: string;
}

/** A lineage whose DEK has been checked. Its owner destroys `bodyKey`. */
export interface Lineage extends LineageId {
  /** K_body, 32 bytes: the FLOE key of every object of the lineage. */
  readonly bodyKey: SecretBytes;
}

/** §3: HKDF-SHA-384(ikm = DEK, salt = envelope id, info = "weightlock/v1 …", 32). */
const derive = (dek: SecretBytes, envelopeId: string, purpose: 'body' | 'commit'): Buffer =>
  hkdf(dek, Buffer.from(envelopeId, 'hex'), Buffer.from(`weightlock/v1 ${purpose}`), DERIVED_BYTES);

/** A fresh lineage from the system's randomness. The caller wraps `dek`, then destroys it and, at the end, `bodyKey`. */
export function newLineage(): Lineage & { readonly dek: SecretBytes } {
  const dek = SecretBytes.take(randomBytes(DEK_BYTES));
  const envelopeId = randomBytes(ENVELOPE_ID_BYTES).toString('hex');
  const commitment = derive(dek, envelopeId, 'commit').toString('hex');
  return { dek, envelopeId, commitment, bodyKey: SecretBytes.take(derive(dek, envelopeId, 'body')) };
}

/**
 * Checks an unwrapped DEK before any use of it and derives the body key. Throws E_WRAP_MALFORMED (not 32 bytes) or E_KEY_COMMITMENT (another DEK or
 * envelope than `id` names): in both cases another wrap may still be right. Does not destroy `dek`.
 */
export function openLineage(dek: SecretBytes, id: LineageId): Lineage {
  // §6: after unwrap: exact length, then constant-time compare of the commitment, then use
  needs(dek.length === DEK_BYTES, 'E_WRAP_MALFORMED', `the key service unwrapped ${dek.length} bytes; a DEK has ${DEK_BYTES}`);
  const commitment = derive(dek, id.envelopeId, 'commit');
  const expected = Buffer.from(id.commitment, 'hex');
  needs(
    expected.length === commitment.length && timingSafeEqual(commitment, expected),
    'E_KEY_COMMITMENT',
    `the unwrapped key is not the one that envelope ${id.envelopeId} commits to`,
    'The wrap belongs to another model or was replaced in the bucket; publish the envelope again from the pinned model.',
  );
  return { envelopeId: id.envelopeId, commitment: id.commitment, bodyKey: SecretBytes.take(derive(dek, id.envelopeId, 'body')) };
}
