// From the words after the command to typed values. Promises: unknown, repeated, missing and empty arguments are E_USAGE, naming the nearest known one.
import { parseArgs } from 'node:util';
import { needs, WeightlockError } from '../core/errors.ts';
import { nearest } from '../core/injection/nearest.ts';

export interface Option {
  readonly type: 'string' | 'boolean';
  /** One letter: `f` for `-f`. */
  readonly short?: string;
  readonly multiple?: true;
  readonly required?: true;
  /** Stands for the value in help texts: `KEY`. */
  readonly value?: string;
  readonly about: string;
}
export type Options = Readonly<Record<string, Option>>;

export interface Positional {
  readonly name: string;
  readonly optional?: true;
  readonly about: string;
}

type ValueOf<O extends Option> = O extends { type: 'boolean' }
  ? boolean
  : O extends { multiple: true }
    ? readonly string[]
    : O extends { required: true }
      ? string
      : string | undefined;

export interface Parsed<T extends Options> {
  readonly positionals: readonly string[];
  readonly values: { readonly [K in keyof T]: ValueOf<T[K]> };
}

/** `usage` is quoted in every refusal, so that the next try succeeds. */
export function parse<const T extends Options>(words: readonly string[], positionals: readonly Positional[], options: T, usage: string): Parsed<T> {
  const refuse = (message: string, next?: string): never => {
    throw new WeightlockError('E_USAGE', message, { next: next ?? `Usage: ${usage}` });
  };
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(Object.entries(options).map(([name, option]) => [name, { type: option.type, multiple: true as const, ...(option.short === undefined ? {} : { short: option.short }) }])),
    strict: false,
    tokens: true,
  });
  const given: string[] = [];
  const found = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'positional') given.push(token.value);
    if (token.kind !== 'option') continue;
    const option = options[token.name];
    if (option === undefined) {
      const close = nearest(token.name, Object.keys(options));
      return refuse(`unknown option ${token.rawName}`, close === undefined ? undefined : `The nearest known one is --${close}. Usage: ${usage}`);
    }
    const earlier = found.get(token.name) ?? [];
    if (earlier.length > 0 && option.multiple !== true) return refuse(`--${token.name} is given twice`);
    if (option.type === 'boolean') {
      if (token.value !== undefined) return refuse(`--${token.name} takes no value`);
      found.set(token.name, ['true']);
    } else {
      if (token.value === undefined || token.value === '') return refuse(`--${token.name} needs a value, ${option.value ?? 'VALUE'}`);
      // `--key --name x`: the value was forgotten. A value that does begin with a dash is written `--key=-x`.
      if (!token.inlineValue && token.value.startsWith('--')) return refuse(`--${token.name} needs a value, ${option.value ?? 'VALUE'}`);
      found.set(token.name, [...earlier, token.value]);
    }
  }
  positionals.forEach((positional, i) => {
    if (positional.optional !== true) needs(given[i] !== undefined && given[i] !== '', 'E_USAGE', `${positional.name} is missing`, `Usage: ${usage}`);
  });
  for (const [name, option] of Object.entries(options)) {
    if (option.required === true) needs(found.has(name), 'E_USAGE', `--${name} is missing`, `Usage: ${usage}`);
  }
  const surplus = given[positionals.length];
  if (surplus !== undefined) return refuse(`${JSON.stringify(surplus)} is one argument too many`);
  const values = Object.fromEntries(
    Object.entries(options).map(([name, option]) => {
      const list = found.get(name);
      return [name, option.type === 'boolean' ? list !== undefined : option.multiple === true ? (list ?? []) : list?.[0]];
    }),
  );
  return { positionals: given, values: values as Parsed<T>['values'] };
}
