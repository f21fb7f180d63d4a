// Strict JSON for everything that was stored or sent by others (docs/format.md §5): bytes in, values out, or one E_JSON_* code. Never JSON.parse, which takes duplicate keys, floats and rounded integers.
import { needs, WeightlockError } from './errors.ts';
import { JsonReader } from './strict-json/reader.ts';

/** Objects are Maps in member order: no key (`__proto__`, `constructor`) means anything to JavaScript. Numbers are integers 0..2^53-1. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonValue>;

/**
 * Parses `bytes`: UTF-8 without BOM, depth <= 16 (the root is 1), no duplicate keys, no lone surrogates, integers only. `what` names the document in messages.
 * Throws E_LIMIT_SIZE (more than `maxBytes`, before anything is decoded), E_JSON_UTF8, E_JSON_SYNTAX, E_JSON_DUPLICATE, E_JSON_DEPTH, E_JSON_NUMBER.
 */
export function parseStrictJson(bytes: Uint8Array, what: string, maxBytes: number): JsonValue {
  needs(bytes.length <= maxBytes, 'E_LIMIT_SIZE', `${what} has ${bytes.length} bytes; the limit is ${maxBytes}`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new WeightlockError('E_JSON_UTF8', `${what} is not UTF-8`, { cause });
  }
  needs(!text.startsWith('\ufeff'), 'E_JSON_UTF8', `${what} begins with a byte order mark`);
  return new JsonReader(text, what).document();
}
