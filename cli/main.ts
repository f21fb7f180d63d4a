// weightlock, the command line: finds the command, runs it, and turns how it ended into an exit status (docs/format.md §11).
import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import { asWeightlockError, ERROR_CODES, WeightlockError } from '../core/errors.ts';
import { nearest } from '../core/injection/nearest.ts';
import { VERSION } from '../core/version.ts';
import type { Session } from './command.ts';
import { COMMANDS, type Listed } from './commands.ts';
import { readEnvironment } from './config.ts';
import { overview, page } from './help.ts';
import { createSay, OUTPUTS, type Output, type Say } from './say.ts';

/** Read before the words are parsed: a refusal of the words themselves must come out in the form that was asked for. */
function outputAskedFor(words: readonly string[]): Output | undefined {
  const at = words.findIndex((word) => word === '--output' || word.startsWith('--output='));
  const word = words[at];
  if (word === undefined) return 'text';
  const value = word === '--output' ? words[at + 1] : word.slice('--output='.length);
  return OUTPUTS.find((output) => output === value);
}

const unknownCommand = (name: string): WeightlockError => {
  const close = nearest(name, COMMANDS.map((listed) => listed.name));
  return new WeightlockError('E_USAGE', `there is no command ${JSON.stringify(name)}`, { next: `The nearest one is ${close}; \`weightlock help\` lists them all.` });
};

const find = (name: string): Listed => {
  const listed = COMMANDS.find((command) => command.name === name);
  if (listed === undefined) throw unknownCommand(name);
  return listed;
};

async function dispatch(say: Say, signal: AbortSignal, words: readonly string[]): Promise<void> {
  const [name, ...rest] = words;
  if (name === undefined) throw new WeightlockError('E_USAGE', 'no command is given', { next: '`weightlock help` lists the commands.' });
  if (name === '--version') return say.result(`weightlock ${VERSION}`, { version: VERSION });
  if (name === '--help' || name === '-h' || name === 'help') {
    const topic = rest.find((word) => !word.startsWith('-'));
    if (topic === undefined) return say.result(overview(COMMANDS), COMMANDS.map(({ name, summary }) => ({ name, summary })));
    const { manual } = await find(topic).load();
    return say.result(page(manual), { name: manual.name, usage: manual.usage, about: manual.about, examples: manual.examples.map(({ does, line }) => ({ does, line })) });
  }
  const command = await find(name).load();
  if (rest.includes('--help') || rest.includes('-h')) return dispatch(say, signal, ['help', name]);
  const session: Session = { say, signal, environment: readEnvironment(), stdin: process.stdin, now: () => new Date() };
  await command.run(session, rest);
}

/** Resolves to the exit status; never rejects. */
async function main(words: readonly string[]): Promise<number> {
  const controller = new AbortController();
  let stoppedBy: NodeJS.Signals | undefined;
  const stop = (name: NodeJS.Signals): void => {
    // Once: end in order. Twice: somebody is in earnest.
    if (stoppedBy !== undefined) {
      writeSync(process.stderr.fd, `weightlock: stopped at once by a second ${name}: what was being written may still lie there\n`);
      process.exit(128 + constants.signals[name]);
    }
    stoppedBy = name;
    controller.abort(new Error(`stopped by ${name}`));
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  // `weightlock ls … | head -1`: end as other programs do when nobody reads any more.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(128 + constants.signals.SIGPIPE);
    process.stderr.write(`weightlock: E_IO: the result could not be written: ${error.message}\n`);
    process.exit(ERROR_CODES.E_IO.exit);
  });
  process.stderr.on('error', () => undefined);

  const output = outputAskedFor(words);
  const screen = { write: (text: string) => void process.stderr.write(text), terminal: process.stderr.isTTY, columns: () => process.stderr.columns || 80 };
  const say = createSay(output ?? 'text', (text) => void process.stdout.write(text), screen, () => performance.now());
  try {
    if (output === undefined) throw new WeightlockError('E_USAGE', '--output takes one of two values', { next: `Use --output ${OUTPUTS.join(' or --output ')}.` });
    await dispatch(say, controller.signal, words);
    return 0;
  } catch (error) {
    if (stoppedBy !== undefined) {
      say.line(`weightlock: stopped by ${stoppedBy}`);
      return 128 + constants.signals[stoppedBy];
    }
    const failure = asWeightlockError(error);
    say.failure(['weightlock', ...COMMANDS.map(({ name }) => name).filter((name) => name === words[0])].join(' '), failure);
    return failure.exit;
  }
}

/** Resolves when the reader of a pipe has taken everything: exiting before would cut a long listing. */
const written = (stream: NodeJS.WriteStream): Promise<void> => new Promise((resolve) => void stream.write('', () => resolve()));

const status = await main(process.argv.slice(2));
await Promise.all([written(process.stdout), written(process.stderr)]);
process.exit(status);
