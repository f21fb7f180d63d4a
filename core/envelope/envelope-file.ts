// envelopes/<envelope id>.json: the wraps of a lineage's DEK, one a KEK. Candidates, never trusted: the commitment decides (docs/format.md §6).
import { parseStrictJson } from '../strict-json.ts';
import { fit, list, oneOf, record, textThat, texts, type Shape, type Shaped } from '../strict-json/shape.ts';
import { checkContextPairs } from './context.ts';
import { MAX_SMALL_FILE_BYTES, MAX_WRAPS } from './limits.ts';
import { digest, id, label, suite, wrappedBytes } from './members.ts';

const ENVELOPE_FORMAT = 'weightlock.envelope/1.0';
/** An AWS key ARN has at most 2048 characters; PKCS#11 URIs are shorter. */
const MAX_KEY_BYTES = 2048;

/** The publisher's own pairs; the three reserved ones are added by encryptionContext. */
const contextPairs: Shape<ReadonlyMap<string, string>> = (value) => {
  const pairs = texts(value);
  checkContextPairs(pairs);
  return pairs;
};

const envelopeShape = record({
  format: oneOf(ENVELOPE_FORMAT),
  suite,
  envelopeId: id,
  commitment: digest,
  wraps: list(
    record({
      /** Wraps of providers that a reader does not know are skipped, not refused: one envelope serves many readers. */
      provider: textThat((name) => /^[a-z][a-z0-9-]{0,31}$/.test(name), 'a provider name'),
      key: label(MAX_KEY_BYTES),
      context: contextPairs,
      wrapped: wrappedBytes,
    }),
    MAX_WRAPS,
    'E_LIMIT_WRAPS',
  ),
});
export type EnvelopeFile = Shaped<typeof envelopeShape>;
/** One wrap of the DEK. `wrapped` = the decoded bytes. */
export type Wrap = EnvelopeFile['wraps'][number];

/** Throws E_LIMIT_SIZE, E_LIMIT_WRAPS, E_JSON_*, E_SCHEMA, E_UNSUPPORTED_SUITE. `what` names the file in messages. */
export const parseEnvelopeFile = (bytes: Uint8Array, what: string): EnvelopeFile => fit(envelopeShape, parseStrictJson(bytes, what, MAX_SMALL_FILE_BYTES), what);

/** The file's bytes. What the parser would refuse is refused here. */
export function serializeEnvelopeFile({ suite, envelopeId, commitment, wraps }: Omit<EnvelopeFile, 'format'>): Buffer {
  const written = wraps.map(({ provider, key, context, wrapped }) => ({ provider, key, context: Object.fromEntries(context), wrapped: wrapped.toString('base64') }));
  const bytes = Buffer.from(`${JSON.stringify({ format: ENVELOPE_FORMAT, suite, envelopeId, commitment, wraps: written }, null, 2)}\n`);
  parseEnvelopeFile(bytes, 'the envelope to be written');
  return bytes;
}
