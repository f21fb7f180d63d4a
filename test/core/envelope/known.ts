// The fixed inputs of docs/format.md §4's known answers, and small sealed objects made with them.
import { nodeEngine } from '../../../core/engine/node.ts';
import { openLineage, type Lineage } from '../../../core/envelope/lineage.ts';
import { sealObjectWith, type SealRandomness } from '../../../core/envelope/seal.ts';
import { SecretBytes } from '../../../core/secret-bytes.ts';
import type { ObjectExpectation } from '../../../core/envelope/open.ts';
import type { ObjectKind } from '../../../core/envelope/prefix.ts';

/** `length` bytes that count up from `start`, modulo 256. */
export const run = (start: number, length: number): Buffer => Buffer.alloc(length, Buffer.from(Array.from({ length: 256 }, (_, j) => (start + j) & 0xff)));

export const dek = (): SecretBytes => SecretBytes.take(run(0, 32));
export const ENVELOPE_ID = run(0x40, 16).toString('hex');
export const OBJECT_ID = run(0x80, 16).toString('hex');
export const BODY_KEY = '124426f7ba09cd007d7adb186e11e3761cb97bf6a6959ec209880f6ee09fc1a7';
export const COMMITMENT = '159fd5555c0a250774924cc39665ff99da8ca1f577bf357ad24c9167647fef36';

export const lineage = (): Lineage => openLineage(dek(), { envelopeId: ENVELOPE_ID, commitment: COMMITMENT });

/** Plaintext byte j = (0x10 + j) & 255. */
export const plaintext = (length: number): Buffer => run(0x10, length);

/** The j-th draw of k bytes is the k bytes from (0xA0 + 16j) & 255 on. */
export function knownRandomness(objectId = OBJECT_ID): SealRandomness {
  let draw = 0;
  return { objectId: () => Buffer.from(objectId, 'hex'), iv: (bytes) => run((0xa0 + 16 * draw++) & 0xff, bytes) };
}

export async function* pieces(bytes: Uint8Array, size = 65_537): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export interface SealedBytes {
  readonly object: Buffer;
  readonly tag: string;
  readonly expect: ObjectExpectation & { readonly kind: 'file' };
}

/** Seals `content` with the known inputs. */
export async function sealKnown(content: Buffer, segmentBytes: number, kind: ObjectKind = 'file', objectId = OBJECT_ID): Promise<SealedBytes> {
  const sealing = sealObjectWith(
    { lineage: lineage(), kind, plaintextBytes: content.length, plaintext: pieces(content), hasher: null, engine: nodeEngine },
    knownRandomness(objectId),
    segmentBytes,
  );
  const parts: Buffer[] = [];
  for await (const part of sealing.ciphertext) parts.push(part);
  const expect = { kind: 'file', envelopeId: ENVELOPE_ID, objectId, plaintextBytes: content.length, segmentBytes, tag: sealing.tag } as const;
  return { object: Buffer.concat(parts), tag: sealing.tag, expect };
}
