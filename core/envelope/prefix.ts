// The first 138 bytes of every object: PREFIX and FLOE header, written and read in the exact order of checks of docs/format.md §4.
import { needs } from '../errors.ts';
import { HEADER_BYTES, MAX_PLAINTEXT_BYTES, PREFIX_BYTES, SEGMENT_OVERHEAD_BYTES, isSegmentSize } from './limits.ts';
import { FLOE_IV_BYTES, PARAMS_BYTES, floeParams } from './floe.ts';

export type ObjectKind = 'manifest' | 'file';

/** What the PREFIX says. Ids are lower-case hex of 16 bytes. */
export interface Prefix {
  readonly kind: ObjectKind;
  readonly envelopeId: string;
  readonly objectId: string;
  readonly plaintextBytes: number;
}

export interface ObjectHeader extends Prefix {
  readonly segmentBytes: number;
  /** The 64 bytes as read: FLOE's AAD. */
  readonly prefix: Buffer;
  readonly params: Buffer;
  readonly iv: Buffer;
  /** FLOE header tag, 32 bytes: the object's commitment to key, IV, params and prefix. */
  readonly tag: Buffer;
}

const MAGIC = Buffer.from('WGHTLOCK', 'ascii');
const VERSION = 1;
export const SUITE = 1;
const KIND_CODES = { manifest: 1, file: 2 } as const;

/** The 64 bytes of PREFIX. */
export function encodePrefix(prefix: Prefix): Buffer {
  const out = Buffer.alloc(PREFIX_BYTES);
  MAGIC.copy(out, 0);
  out.writeUInt8(VERSION, 8);
  out.writeUInt8(KIND_CODES[prefix.kind], 9);
  out.writeUInt16BE(SUITE, 10);
  out.write(prefix.envelopeId, 16, 16, 'hex');
  out.write(prefix.objectId, 32, 16, 'hex');
  out.writeBigUInt64BE(BigInt(prefix.plaintextBytes), 48);
  return out;
}

/**
 * Reads `head`, the object's first bytes (at least 138, if the object has them). Checks everything that needs no key and no manifest.
 * `what` names the object in messages.
 */
export function parseHeader(head: Buffer, what: string): ObjectHeader {
  // §4: length >= 138
  needs(head.length >= HEADER_BYTES, 'E_TRUNCATED', `${what} ends after ${head.length} bytes, inside its 138-byte header`);
  // §4: magic
  needs(head.subarray(0, 8).equals(MAGIC), 'E_BAD_MAGIC', `${what} is not a Weightlock object: it does not begin with WGHTLOCK`);
  // §4: version, kind, suite
  needs(head[8] === VERSION, 'E_UNSUPPORTED_VERSION', `${what} has format version ${head[8]}; this program reads version ${VERSION}`);
  needs(head[9] === KIND_CODES.manifest || head[9] === KIND_CODES.file, 'E_UNSUPPORTED_KIND', `${what} has the unknown object kind ${head[9]}`);
  needs(head.readUInt16BE(10) === SUITE, 'E_UNSUPPORTED_SUITE', `${what} has cipher suite ${head.readUInt16BE(10)}; this program reads suite ${SUITE}`);
  // §4: flags, all critical
  needs(head.readUInt32BE(12) === 0, 'E_UNKNOWN_CRITICAL_FLAG', `${what} has critical flags 0x${head.toString('hex', 12, 16)} that this program does not know`);
  // §4: off 56, 8 zero bytes
  needs(head.readBigUInt64BE(56) === 0n, 'E_RESERVED_NONZERO', `${what} has non-zero reserved bytes`);
  // §4: n <= 2^44
  const n = head.readBigUInt64BE(48);
  needs(n <= BigInt(MAX_PLAINTEXT_BYTES), 'E_LIMIT_SIZE', `${what} claims ${n} plaintext bytes; the limit is 2^44`);
  // §4: PARAMS = 00 00 || u32 (S + 32) || u32 32
  const params = head.subarray(PREFIX_BYTES, PREFIX_BYTES + PARAMS_BYTES);
  const wireSegment = params.readUInt32BE(2);
  needs(params.equals(floeParams(wireSegment)), 'E_UNSUPPORTED_PARAMS', `${what} has the unknown FLOE parameters ${params.toString('hex')}`);
  // §4: S = a power of two in [64 KiB, 8 MiB]
  const segmentBytes = wireSegment - SEGMENT_OVERHEAD_BYTES;
  needs(isSegmentSize(segmentBytes), 'E_UNSUPPORTED_SEGMENT', `${what} has segments of ${segmentBytes} bytes; accepted: powers of two from 64 KiB to 8 MiB`);
  const ivStart = PREFIX_BYTES + PARAMS_BYTES;
  return {
    kind: head[9] === KIND_CODES.manifest ? 'manifest' : 'file',
    envelopeId: head.toString('hex', 16, 32),
    objectId: head.toString('hex', 32, 48),
    plaintextBytes: Number(n),
    segmentBytes,
    prefix: head.subarray(0, PREFIX_BYTES),
    params,
    iv: head.subarray(ivStart, ivStart + FLOE_IV_BYTES),
    tag: head.subarray(ivStart + FLOE_IV_BYTES, HEADER_BYTES),
  };
}
