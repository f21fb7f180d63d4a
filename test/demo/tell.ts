// How the demo speaks: numbered steps, the commands as one would type them, what they print, and the time gone by.
import { styleText } from 'node:util';

export interface Teller {
  /** A step, and in a sentence why it is there. */
  readonly step: (title: string, why: string) => void;
  /** A command that runs now; `shown` is what one would type. */
  readonly command: (shown: string) => void;
  /** What it printed, or a finding. */
  readonly output: (text: string) => void;
  readonly good: (text: string) => void;
}

const indented = (text: string): string => text.trimEnd().replace(/^/gm, '      ');

export function teller(write: (text: string) => void, now: () => number): Teller {
  const begun = now();
  let number = 0;
  return {
    step(title, why) {
      number += 1;
      write(`\n${styleText('bold', `${number}. ${title}`)}  ${styleText('dim', `(${((now() - begun) / 1000).toFixed(0)} s)`)}\n   ${why}\n`);
    },
    command: (shown) => write(`   ${styleText('cyan', `$ ${shown}`)}\n`),
    output: (text) => write(`${indented(text)}\n`),
    good: (text) => write(`   ${styleText('green', '✓')} ${text}\n`),
  };
}
