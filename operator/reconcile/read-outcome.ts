// The decryptor's report out of a termination message. Whoever writes a pod can forge it: bounded, closed schema, and never taken for evidence.
import { OUTCOME_LIMIT_BYTES, OUTCOME_SCHEMA, type Outcome } from '../../core/api/outcome.ts';
import { ERROR_CODES } from '../../core/errors.ts';
import { parseStrictJson } from '../../core/strict-json.ts';
import { fit, integer, nullable, oneOf, record, textThat } from '../../core/strict-json/shape.ts';

const short = (limit: number) => textThat((value) => value.length <= limit, `at most ${String(limit)} characters`);
const instant = textThat((value) => value.length <= 64 && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value) && !Number.isNaN(Date.parse(value)), 'an instant in UTC');

const OUTCOME = record({
  schema: oneOf(OUTCOME_SCHEMA),
  model: short(512),
  mode: oneOf('load', 'check'),
  code: nullable(textThat((value) => Object.hasOwn(ERROR_CODES, value), 'a code of docs/format.md §11')),
  message: short(OUTCOME_LIMIT_BYTES),
  digest: short(128),
  lineage: short(128),
  key: nullable(record({ provider: short(32), id: short(512) })),
  kmsRequestId: nullable(short(256)),
  unwrappedAt: nullable(instant),
  files: integer(0),
  bytes: integer(0),
  milliseconds: integer(0),
  attempts: integer(1),
});

/** undefined where `text` is no outcome. */
export function readOutcome(text: string): Outcome | undefined {
  try {
    return fit(OUTCOME, parseStrictJson(Buffer.from(text), 'the outcome', OUTCOME_LIMIT_BYTES), 'the outcome');
  } catch {
    return undefined; // a report that is none: the container's exit code speaks instead
  }
}
