// Manuals as text: the overview, and one command's page.
import type { Manual } from './command.ts';
import type { Listed } from './commands.ts';

const column = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
};

export const overview = (commands: readonly Listed[]): string => `weightlock keeps model weights encrypted everywhere but in the memory of the pod that serves them.

Usage: weightlock COMMAND [arguments]

Commands:
${column([...commands.map((listed) => [listed.name, listed.summary] as const), ['help', 'this text, or a command\'s: weightlock help seal']])}

Options:
${column([['--version', 'the version of this program'], ['--help', 'this text']])}

To try it without any cloud:
  weightlock init ./try.key
  weightlock seal ./my-model file:///tmp/sealed --key local-file:./try.key --name acme/my-model --version 1
  weightlock verify file:///tmp/sealed --key local-file:./try.key --name acme/my-model`;

export const page = (manual: Manual): string => `Usage: weightlock ${manual.name} ${manual.usage}

${manual.about}
${manual.positionals.length === 0 ? '' : `\nArguments:\n${column(manual.positionals.map((positional) => [positional.name, positional.about]))}\n`}
Options:
${column(Object.entries(manual.options).map(([name, option]) => [`${option.short === undefined ? '' : `-${option.short}, `}--${name}${option.type === 'string' ? ` ${option.value ?? 'VALUE'}` : ''}`, option.about + (option.multiple === true ? ' (may be repeated)' : '')]))}

Examples:
${manual.examples.map((example) => `  # ${example.does}\n  ${example.line}`).join('\n\n')}`;
