// Progress of set-up for people and logs alike: one line when a step ends, and every few seconds one for each step that takes long.
import type { Report } from './recipe.ts';

const EVERY_MS = 10_000;

export interface Line {
  readonly report: Report;
  readonly end: (how: string) => void;
}

const elapsed = (sinceMs: number): string => {
  const seconds = Math.round((performance.now() - sinceMs) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
};

/** Opens lines on `out`: `(name, why)` begins a step. Times count from the step's own beginning. */
export function lines(out: NodeJS.WritableStream): (name: string, why: string) => Line {
  return (name, why) => {
    const begun = performance.now();
    const write = (text: string): void => void out.write(`setup: ${name.padEnd(11)} ${elapsed(begun).padStart(5)}  ${text}\n`);
    let progress = why;
    const ticking = setInterval(() => write(progress), EVERY_MS);
    return {
      report: (text) => void (progress = text),
      end: (how) => {
        clearInterval(ticking);
        write(`${how} (${why})`);
      },
    };
  };
}
