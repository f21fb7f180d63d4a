// What every command is: its manual and what it does, in one value.
import type { Readable } from 'node:stream';
import { parse, type Option, type Options, type Parsed, type Positional } from './arguments.ts';
import type { Environment } from './config.ts';
import { OUTPUTS, type Say } from './say.ts';

/** What a command may touch. */
export interface Session {
  readonly say: Say;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  readonly environment: Environment;
  readonly stdin: Readable;
  readonly now: () => Date;
}

export interface Example {
  /** What it shows, without a full stop. */
  readonly does: string;
  /** Can be typed as it stands; the tests do. */
  readonly line: string;
}

export interface Manual {
  readonly name: string;
  /** After the name: `DIR URL --key KEY …`. */
  readonly usage: string;
  /** Whole sentences, lines of at most 100 characters. */
  readonly about: string;
  readonly positionals: readonly Positional[];
  readonly options: Options;
  readonly examples: readonly [Example, ...Example[]];
}

export interface Command {
  readonly manual: Manual;
  run(session: Session, words: readonly string[]): Promise<void>;
}

/** Every command has these. */
export const COMMON_OPTIONS = {
  output: { type: 'string', value: OUTPUTS.join('|'), about: 'results on stdout as text (default), or as one JSON document; errors too' },
  help: { type: 'boolean', about: 'this text' },
} as const satisfies Record<string, Option>;

/** Ties a manual to what it does: `run` hears the options by their types. */
export function command<const T extends Options>(
  manual: Omit<Manual, 'options'> & { readonly options: T },
  run: (session: Session, parsed: Parsed<T & typeof COMMON_OPTIONS>) => Promise<void>,
): Command {
  const options = { ...manual.options, ...COMMON_OPTIONS };
  return {
    manual: { ...manual, options },
    run: (session, words) => run(session, parse(words, manual.positionals, options, `weightlock ${manual.name} ${manual.usage}`)),
  };
}
