// Everything the command line says. People read stderr; stdout carries results alone: text, or exactly one JSON document with `--output json`.
import type { WeightlockError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { startProgress, type Progress, type ProgressWords, type Screen } from './progress.ts';

export const OUTPUTS = ['text', 'json'] as const;
export type Output = (typeof OUTPUTS)[number];

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

export interface Say {
  readonly output: Output;
  /** For people, while it happens. */
  line(text: string): void;
  warn(text: string): void;
  /** The answer, once, at the end: `text` (lines without the last line feed; empty = nothing), or `json`. */
  result(text: string, json: Json): void;
  failure(command: string, error: WeightlockError): void;
  /** Runs `work` under a progress line. */
  during<T>(words: ProgressWords, total: { readonly bytes: number; readonly files: number }, work: (progress: Pick<Progress, 'add' | 'fileDone'>) => Promise<T>): Promise<T>;
}

/** `out` writes to stdout. `clock`: milliseconds, monotonic. */
export function createSay(output: Output, out: (text: string) => void, screen: Screen, clock: () => number): Say {
  let running: Progress | undefined;
  // Messages quote what stores, services and files say: none of it may move the cursor or pretend to be a line of ours.
  const line = (text: string): void => {
    if (running === undefined) screen.write(`${printable(text)}\n`);
    else running.above(printable(text));
  };
  return {
    output,
    line,
    warn: (text) => line(`warning: ${text}`),
    result: (text, json) => {
      if (output === 'json') out(`${JSON.stringify(json, null, 2)}\n`);
      else if (text !== '') out(`${text}\n`);
    },
    failure: (command, error) => {
      line(`${command}: ${error.code}: ${error.message}`);
      if (error.next !== undefined) line(`  next: ${error.next}`);
      if (error.code === 'E_INTERNAL' && error.cause instanceof Error && error.cause.stack !== undefined) error.cause.stack.split('\n').forEach(line);
      if (output === 'json') {
        out(`${JSON.stringify({ error: { code: error.code, class: error.class, exit: error.exit, disposition: error.disposition, message: error.message, next: error.next ?? null } }, null, 2)}\n`);
      }
    },
    during: async (words, total, work) => {
      const progress = startProgress(screen, words, total, clock);
      running = progress;
      try {
        const value = await work(progress);
        progress.end('done');
        return value;
      } catch (error) {
        progress.end('abandoned');
        throw error;
      } finally {
        running = undefined;
      }
    },
  };
}
