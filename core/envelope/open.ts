// Opens one object for the data path: every check of docs/format.md §4 in its order, then any segment in any order. Nothing unverified leaves.
import { needs } from '../errors.ts';
import { FloeKeys } from './floe.ts';
import { objectBytes, segmentCount, segmentPlan, type Layout } from './plan.ts';
import { parseHeader, type ObjectHeader } from './prefix.ts';
import { openSegment } from './segment.ts';
import type { SecretBytes } from '../secret-bytes.ts';
import type { SegmentEngine } from '../engine/engine.ts';

/** What the manifest (of a file) or the version file (of the manifest) said the object is. Ids and tag in hex. */
export type ObjectExpectation =
  | { readonly kind: 'manifest'; readonly envelopeId: string; readonly objectId: string }
  | {
      readonly kind: 'file';
      readonly envelopeId: string;
      readonly objectId: string;
      readonly plaintextBytes: number;
      readonly segmentBytes: number;
      readonly tag: string;
    };

export interface OpenInput {
  /** The object's first 138 bytes, or more of it. */
  readonly head: Buffer;
  /** Length of the whole object as the store reports it. */
  readonly objectBytes: number;
  readonly expect: ObjectExpectation;
  /** K_body; not kept. */
  readonly bodyKey: SecretBytes;
  readonly engine: SegmentEngine;
  /** Names the object in messages: the file's path, or `the manifest`. */
  readonly what: string;
}

/** An object whose header is proven to belong to the key and to what was expected. Stateless between segments. Its owner destroys it. */
export class OpenedObject implements Disposable {
  readonly layout: Layout;
  readonly segments: number;
  readonly #keys: FloeKeys;
  readonly #engine: SegmentEngine;
  readonly #what: string;

  constructor(layout: Layout, keys: FloeKeys, engine: SegmentEngine, what: string) {
    this.layout = layout;
    this.segments = segmentCount(layout);
    this.#keys = keys;
    this.#engine = engine;
    this.#what = what;
  }

  /**
   * Verifies and decrypts segment `index` from its whole stored bytes (`segmentPlan(layout, index).ciphertext`). `wire` may be overwritten and the result
   * may lie in it. Throws E_SEGMENT_FRAMING or E_SEGMENT_AUTH and then returns nothing of it.
   */
  openSegment(index: number, wire: Buffer): Buffer {
    const plan = segmentPlan(this.layout, index);
    const want = plan.ciphertext.end - plan.ciphertext.start;
    needs(wire.length === want, 'E_SEGMENT_FRAMING', `segment ${index} of ${this.#what} has ${wire.length} bytes instead of ${want}`);
    return openSegment(this.#engine, this.#keys, plan, wire, this.#what);
  }

  destroy(): void {
    this.#keys.destroy();
  }
  [Symbol.dispose](): void {
    this.destroy();
  }
}

/** Checks header, expectations, length and key. The codes and their order are §4's. */
export function openObject({ head, objectBytes: length, expect, bodyKey, engine, what }: OpenInput): OpenedObject {
  const header = parseHeader(head.subarray(0, length), what);
  checkExpected(header, expect, what);
  // §4: object length = 138 + n + 32 * max(1, ceil(n/S))
  const exact = objectBytes(header);
  needs(length >= exact, 'E_TRUNCATED', `${what} is cut: it has ${length} of ${exact} bytes`);
  needs(length === exact, 'E_TRAILING_DATA', `${what} has ${length - exact} bytes after its end`);
  // §4: wire tag == manifest's tag, for files
  if (expect.kind === 'file') needs(header.tag.toString('hex') === expect.tag, 'E_OBJECT_MISMATCH', `${what} is sealed under another header than the manifest names`);
  const keys = new FloeKeys({ key: bodyKey, params: header.params, iv: header.iv, aad: header.prefix });
  try {
    // §4: recomputed tag
    needs(keys.tag.equals(header.tag), 'E_KEY_COMMITMENT', `${what} was not sealed under this model's key, or its header was altered`);
  } catch (error) {
    keys.destroy();
    throw error;
  }
  return new OpenedObject({ plaintextBytes: header.plaintextBytes, segmentBytes: header.segmentBytes }, keys, engine, what);
}

/** §4: kind, envelope_id, object_id, and for files size and segment, equal what the manifest or version said. */
function checkExpected(header: ObjectHeader, expect: ObjectExpectation, what: string): void {
  const same = (field: string, actual: string | number, expected: string | number): void =>
    needs(actual === expected, 'E_OBJECT_MISMATCH', `${what} is another object than expected: its ${field} is ${actual} instead of ${expected}`,
      'The bytes under this name were replaced; publish the model again.');
  same('kind', header.kind, expect.kind);
  same('envelope id', header.envelopeId, expect.envelopeId);
  same('object id', header.objectId, expect.objectId);
  if (expect.kind === 'manifest') return;
  same('plaintext size', header.plaintextBytes, expect.plaintextBytes);
  same('segment size', header.segmentBytes, expect.segmentBytes);
}
