// Closed schemas over strict JSON: a shape turns a parsed value into a typed one, or names the member that does not fit.
import { WeightlockError, type ErrorCode } from '../errors.ts';
import type { JsonObject, JsonValue } from '../strict-json.ts';

/** Returns the typed value or throws Misfit (or a WeightlockError with a code of its own). */
export type Shape<T> = (value: JsonValue) => T;
export type Shaped<S> = S extends Shape<infer T> ? T : never;

/** What does not fit, and where; `fit` makes an error of it. */
class Misfit extends Error {
  readonly steps: (string | number)[] = [];
}

const fail = (reason: string): never => {
  throw new Misfit(reason);
};

/** Runs `inner`, adding `step` to the place of whatever it refuses. */
function within<T>(step: string | number, inner: () => T): T {
  try {
    return inner();
  } catch (error) {
    if (error instanceof Misfit) error.steps.unshift(step);
    throw error;
  }
}

/** Applies `shape` to a whole document. Throws `code` with the place, as `files[3].size`. `what` names the document. */
export function fit<T>(shape: Shape<T>, value: JsonValue, what: string, code: ErrorCode = 'E_SCHEMA'): T {
  try {
    return shape(value);
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    const place = error.steps.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
    throw new WeightlockError(code, `${what}: ${place === '' ? '' : `${place}: `}${error.message}`);
  }
}

const kindOf = (value: JsonValue): string => (value === null ? 'null' : Array.isArray(value) ? 'an array' : value instanceof Map ? 'an object' : `a ${typeof value}`);

export const text: Shape<string> = (value) => (typeof value === 'string' ? value : fail(`a string is expected, not ${kindOf(value)}`));

/** A string for which `holds`; `rule` completes "must be …". */
export const textThat = (holds: (value: string) => boolean, rule: string): Shape<string> => (value) => {
  const read = text(value);
  return holds(read) ? read : fail(`must be ${rule}`);
};

export const integer = (min: number, max: number = Number.MAX_SAFE_INTEGER): Shape<number> => (value) => {
  if (typeof value !== 'number') return fail(`an integer is expected, not ${kindOf(value)}`);
  return value >= min && value <= max ? value : fail(`must be ${max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `from ${min} to ${max}`}`);
};

export const bool: Shape<boolean> = (value) => (typeof value === 'boolean' ? value : fail(`true or false is expected, not ${kindOf(value)}`));

/** Exactly one of the given strings or numbers. */
export const oneOf = <const T extends string | number>(...allowed: readonly T[]): Shape<T> => (value) =>
  allowed.find((candidate) => candidate === value) ?? fail(`must be ${allowed.map((one) => JSON.stringify(one)).join(' or ')}`);

export const nullable = <T>(shape: Shape<T>): Shape<T | null> => (value) => (value === null ? null : shape(value));

/** An array of at most `max` items; more of them is `tooMany`, said before any is looked at. */
export const list = <T>(item: Shape<T>, max: number, tooMany: ErrorCode = 'E_SCHEMA'): Shape<readonly T[]> => (value) => {
  if (!Array.isArray(value)) return fail(`an array is expected, not ${kindOf(value)}`);
  const items: readonly JsonValue[] = value;
  if (items.length > max) throw new WeightlockError(tooMany, `an array has ${items.length} items; the limit is ${max}`);
  return items.map((one, i) => within(i, () => item(one)));
};

const asObject = (value: JsonValue): JsonObject => (value instanceof Map ? value : fail(`an object is expected, not ${kindOf(value)}`));

/** An open object of strings, as a Map: the only place where a stored document chooses its own member names. */
export const texts: Shape<ReadonlyMap<string, string>> = (value) => new Map([...asObject(value)].map(([key, item]) => [key, within(key, () => text(item))]));

type Shapes = Readonly<Record<string, Shape<unknown>>>;
type Members<S extends Shapes> = { readonly [K in keyof S]: Shaped<S[K]> };

/** A closed object: every member of `required`, perhaps those of `optional`, and no other. */
export function record<R extends Shapes>(required: R): Shape<Members<R>>;
export function record<R extends Shapes, O extends Shapes>(required: R, optional: O): Shape<Members<R> & Partial<Members<O>>>;
export function record(required: Shapes, optional: Shapes = {}): Shape<unknown> {
  const known = new Map([...Object.entries(required), ...Object.entries(optional)]);
  const must = Object.keys(required);
  return (value) => {
    const object = asObject(value);
    for (const name of must) if (!object.has(name)) fail(`the member ${JSON.stringify(name)} is missing`);
    const members = [...object].map(([name, item]) => {
      const shape = known.get(name) ?? fail(`the member ${JSON.stringify(name.slice(0, 80))} is unknown`);
      return [name, within(name, () => shape(item))] as const;
    });
    return Object.fromEntries(members);
  };
}
