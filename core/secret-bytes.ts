// Key material that cannot be printed by accident and is zeroed when its owner is done.
import { timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';

/** Owns its bytes: `destroy()` zeroes them, and any use afterwards throws. `using key = …` destroys at the end of the block. */
export class SecretBytes {
  #bytes: Buffer | undefined;

  /** Takes over a copy of `bytes` and zeroes the original. */
  static take(bytes: Uint8Array): SecretBytes {
    const secret = new SecretBytes(bytes);
    bytes.fill(0);
    return secret;
  }

  private constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.alloc(bytes.length); // never from the shared pool: zeroing must reach every copy
    this.#bytes.set(bytes);
  }

  /** The live bytes, for a cryptographic call only. Do not keep, copy or log them. */
  get bytes(): Buffer {
    if (this.#bytes === undefined) throw new Error('a destroyed secret was used');
    return this.#bytes;
  }
  get length(): number {
    return this.bytes.length;
  }
  /** Constant-time comparison (lengths are public). */
  equals(other: Uint8Array): boolean {
    return this.length === other.length && timingSafeEqual(this.bytes, other);
  }
  destroy(): void {
    this.#bytes?.fill(0);
    this.#bytes = undefined;
  }
  [Symbol.dispose](): void {
    this.destroy();
  }
  toString(): string {
    return '[secret]';
  }
  toJSON(): string {
    return '[secret]';
  }
  [inspect.custom](): string {
    return '[secret]';
  }
}
