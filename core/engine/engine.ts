// How AES-256-GCM runs over one segment. The single place the data path touches a cipher; chosen at start by a known-answer test.

/** One segment's secrets and position; `aad` is u64 index || u8 last (format.md §4). */
export interface SegmentCipherInput {
  readonly key: Buffer; // 32 bytes
  readonly iv: Uint8Array; // 12 bytes
  readonly aad: Uint8Array;
}

/** Stateless; one engine may serve many objects at once. */
export interface SegmentEngine {
  readonly name: 'node' | 'ffi';
  /**
   * Decrypts `ciphertext` and checks its 16-byte `tag`. Returns the plaintext, in the engine's own or in the caller's memory
   * (then overwriting `ciphertext`), valid until the next call with the same buffer. Throws E_SEGMENT_AUTH; then no plaintext is returned.
   */
  open(input: SegmentCipherInput, ciphertext: Buffer, tag: Uint8Array): Buffer;
  /** Encrypts `plaintext` into `into` (same length) and returns the 16-byte tag. */
  seal(input: SegmentCipherInput, plaintext: Uint8Array, into: Buffer): Buffer;
}
