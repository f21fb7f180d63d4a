// HKDF with SHA-384 (RFC 5869): the whole of it for a lineage's keys, Expand alone for FLOE's.
import { createHmac, hkdfSync } from 'node:crypto';
import { SecretBytes } from '../secret-bytes.ts';

const HASH = 'sha384';
const BLOCK_BYTES = 48;

/** Extract, then Expand. At most 1024 bytes of `info` (a limit of Node's). The caller owns and zeroes the result. */
export const hkdf = (secret: SecretBytes, salt: Uint8Array, info: Uint8Array, length: number): Buffer => Buffer.from(hkdfSync(HASH, secret.bytes, salt, info, length));

/**
 * Expand only (RFC 5869 §2.3), one block: HMAC-SHA-384(prk, info || 0x01)[0..length), length <= 48. FLOE uses it with a PRK of 32 bytes, shorter than
 * the hash: intended. `info` comes in parts, so that they need not be joined. The caller owns and zeroes the result.
 */
export function hkdfExpand(prk: SecretBytes, info: readonly Uint8Array[], length: number): Buffer {
  if (length > BLOCK_BYTES) throw new RangeError(`${length} bytes take more than one block of ${BLOCK_BYTES}`);
  const mac = createHmac(HASH, prk.bytes);
  for (const part of info) mac.update(part);
  const block = mac.update(Buffer.of(1)).digest();
  const out = Buffer.alloc(length, block.subarray(0, length));
  block.fill(0);
  return out;
}
