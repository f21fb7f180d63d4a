// FLOE (c2sp.org/FLOE) with AES-256-GCM and HKDF-Expand-SHA-384: the key schedule of one ciphertext. Knows no object layout and no I/O, so that FLOE's own vectors run on it.
import { SecretBytes } from '../secret-bytes.ts';
import { hkdfExpand } from './hkdf.ts';

export const PARAMS_BYTES = 10;
export const FLOE_IV_BYTES = 32;
const FLOE_TAG_BYTES = 32;
const MESSAGE_KEY_BYTES = 48;
const SEGMENT_KEY_BYTES = 32;
/** docs/format.md §3: one segment key for every 2^20 segments. */
const KEY_EPOCH_SEGMENTS = 2 ** 20;

/** PARAMS: AEAD id 0 (AES-256-GCM), KDF id 0 (HKDF-Expand-SHA-384), bytes of a whole stored segment, bytes of the FLOE IV. */
export function floeParams(wireSegmentBytes: number): Buffer {
  const params = Buffer.alloc(PARAMS_BYTES);
  params.writeUInt32BE(wireSegmentBytes, 2);
  params.writeUInt32BE(FLOE_IV_BYTES, 6);
  return params;
}

/** AAD of a segment: u64 index || u8 last. */
export function segmentAad(index: number, last: boolean): Buffer {
  const aad = Buffer.alloc(9);
  aad.writeBigUInt64BE(BigInt(index));
  aad.writeUInt8(last ? 1 : 0, 8);
  return aad;
}

export interface FloeInput {
  /** 32 bytes; not kept beyond the constructor. */
  readonly key: SecretBytes;
  readonly params: Uint8Array;
  /** 32 bytes. */
  readonly iv: Uint8Array;
  /** FLOE's AAD: of our objects, the 64 bytes of PREFIX. */
  readonly aad: Uint8Array;
  /** Segments under one key, a power of two. FLOE's rotation vector uses 4. */
  readonly keyEpochSegments?: number;
}

/** The keys of one FLOE ciphertext. Owns the message key and the segment keys; `destroy` zeroes them. */
export class FloeKeys implements Disposable {
  /** Expand(key, "HEADER_TAG:", 32). Public: it commits to key, params, IV and AAD. */
  readonly tag: Buffer;
  readonly #context: readonly [params: Uint8Array, iv: Uint8Array, aad: Uint8Array];
  readonly #epochSegments: number;
  readonly #messageKey: SecretBytes;
  readonly #segmentKeys = new Map<number, SecretBytes>();

  constructor({ key, params, iv, aad, keyEpochSegments = KEY_EPOCH_SEGMENTS }: FloeInput) {
    this.#context = [Buffer.from(params), Buffer.from(iv), Buffer.from(aad)];
    this.#epochSegments = keyEpochSegments;
    this.tag = this.#expand(key, Buffer.from('HEADER_TAG:'), FLOE_TAG_BYTES);
    this.#messageKey = SecretBytes.take(this.#expand(key, Buffer.from('MESSAGE_KEY:'), MESSAGE_KEY_BYTES));
  }

  /** Live key of segment `index`, 32 bytes: for a cipher call only. */
  segmentKey(index: number): Buffer {
    // §3: Expand(message key, "DEK:" || u64(i & ~0xFFFFF), 32). By division: `&` would cut the index to 32 bits.
    const epoch = index - (index % this.#epochSegments);
    let key = this.#segmentKeys.get(epoch);
    if (key === undefined) {
      const purpose = Buffer.alloc(12, 'DEK:');
      purpose.writeBigUInt64BE(BigInt(epoch), 4);
      key = SecretBytes.take(this.#expand(this.#messageKey, purpose, SEGMENT_KEY_BYTES));
      this.#segmentKeys.set(epoch, key);
    }
    return key.bytes;
  }

  destroy(): void {
    this.#messageKey.destroy();
    for (const key of this.#segmentKeys.values()) key.destroy();
    this.#segmentKeys.clear();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  /** docs/format.md §3: Expand(K, purpose, L), info = PARAMS || iv || purpose || aad. */
  #expand(key: SecretBytes, purpose: Buffer, length: number): Buffer {
    const [params, iv, aad] = this.#context;
    return hkdfExpand(key, [params, iv, purpose, aad], length);
  }
}
