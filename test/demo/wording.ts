// How the demo shortens what programs print, to the lines that a newcomer needs. Pure.
import { basename } from 'node:path';
import type { Search } from './search.ts';

/** What a search came to. */
export const found = ({ hits, files, bytes }: Search): string =>
  hits.length > 0 ? `found, in ${hits.map((path) => basename(path)).join(', ')}` : `nothing in ${files} files, ${(bytes / 1e6).toFixed(0)} MB`;

const figure = (value: number | undefined, unit: string): string => (value === undefined ? '' : `, ${value} ${unit}`);

/** The decryptor logs JSON, a line an event: its message and its figures are enough here. Its last line, the outcome, is for the operator. */
export function shortened(log: string): string {
  return log
    .trim()
    .split('\n')
    .flatMap((line) => {
      const event = parsed(line);
      if (event === undefined) return [line];
      return event.level === undefined ? [] : [`${event.message}${figure(event.bytes, 'bytes')}${figure(event.milliseconds, 'ms')}`];
    })
    .join('\n');
}

interface LogEvent {
  readonly level?: string;
  readonly message: string;
  readonly bytes?: number;
  readonly milliseconds?: number;
}

function parsed(line: string): LogEvent | undefined {
  try {
    return JSON.parse(line) as LogEvent;
  } catch {
    return undefined; // not the logger's: shown as it is
  }
}

/** The lines of `kubectl describe pod` that say what happened. */
export function excerpt(described: string): string {
  const lines = described.split('\n');
  const events = lines.findIndex((line) => line.startsWith('Events:'));
  return [
    ...lines.filter((line) => /^(Name|Status):|^ {6}(Reason|Message|Exit Code):/.test(line)),
    ...lines.slice(events).filter((line) => /Warning +E_/.test(line)),
  ].join('\n');
}
