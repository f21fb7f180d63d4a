// Shapes that several stored documents share (docs/format.md §5, §6): ids, digests, times, names, base64.
import { MAX_FILES, MAX_NAME_BYTES, MAX_WRAPPED_BYTES } from './limits.ts';
import { hasControlOrBidi } from './paths.ts';
import { SUITE } from './prefix.ts';
import { WeightlockError } from '../errors.ts';
import { integer, record, text, textThat, type Shape } from '../strict-json/shape.ts';

const hexOf = (bytes: number): Shape<string> => {
  const pattern = new RegExp(`^[0-9a-f]{${bytes * 2}}$`);
  return textThat((value) => pattern.test(value), `${bytes} bytes in lower-case hex`);
};

/** 16 bytes: envelope and object ids. */
export const id = hexOf(16);
/** 32 bytes: commitments, tags, SHA-256 and BLAKE3 digests. */
export const digest = hexOf(32);
/** `sha256:` and 32 bytes in hex. */
export const prefixedDigest = textThat((value) => /^sha256:[0-9a-f]{64}$/.test(value), 'sha256: and 64 lower-case hexadecimal digits');

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const isTime = (value: string): boolean => {
  if (!TIME.test(value)) return false;
  const milliseconds = Date.parse(value);
  return !Number.isNaN(milliseconds) && new Date(milliseconds).toISOString() === value.replace('Z', '.000Z'); // refuses 30 February
};
/** A real instant as YYYY-MM-DDTHH:MM:SSZ. */
export const time = textThat(isTime, 'a time as 2026-11-23T04:05:06Z');

/** A model's name or version, an endpoint's key: 1 to `maxBytes` bytes without control or direction-changing characters. */
export const label = (maxBytes: number = MAX_NAME_BYTES): Shape<string> =>
  textThat((value) => value !== '' && Buffer.byteLength(value) <= maxBytes && !hasControlOrBidi(value), `1 to ${maxBytes} bytes of UTF-8 without control or direction-changing characters`);

/** Standard base64, padded, zero trailing bits: the one spelling of its bytes. Buffer.from alone takes many. */
export const wrappedBytes: Shape<Buffer> = (value) => {
  const spelled = text(value);
  const bytes = Buffer.from(spelled, 'base64');
  textThat((one) => bytes.toString('base64') === one, 'canonical base64')(value);
  textThat(() => bytes.length >= 1 && bytes.length <= MAX_WRAPPED_BYTES, `base64 of 1 to ${MAX_WRAPPED_BYTES} bytes`)(value);
  return bytes;
};

/** §6: this program knows one cipher suite. */
export const suite: Shape<typeof SUITE> = (value) => {
  const read = integer(0)(value);
  if (read !== SUITE) throw new WeightlockError('E_UNSUPPORTED_SUITE', `the cipher suite ${read} is unknown; this program reads suite ${SUITE}`);
  return SUITE;
};

const count: Shape<number> = (value) => {
  const files = integer(1)(value);
  if (files > MAX_FILES) throw new WeightlockError('E_LIMIT_FILES', `the model has ${files} files; the limit is ${MAX_FILES}`);
  return files;
};

export interface Totals {
  readonly files: number;
  /** Plaintext bytes. */
  readonly bytes: number;
}
export const totals: Shape<Totals> = record({ files: count, bytes: integer(0) });
