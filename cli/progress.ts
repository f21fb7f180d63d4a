// How far a long piece of work is: one line redrawn on a terminal, a line every few seconds elsewhere. Never on stdout.
import { countText, durationText, rateText, sizeText } from './quantity.ts';

export interface Screen {
  write(text: string): void;
  readonly terminal: boolean;
  /** Width in characters now; a longer line would wrap and could not be redrawn. */
  columns(): number;
}

export interface Progress {
  add(bytes: number): void;
  fileDone(): void;
  /** Leaves a final line with the mean rate (`done`), or nothing (`abandoned`). */
  end(how: 'done' | 'abandoned'): void;
  /** Writes a line of text without tearing the one that is being redrawn. */
  above(text: string): void;
}

/** `sealing`, `sealed`. */
export interface ProgressWords {
  readonly doing: string;
  readonly done: string;
}

const REDRAW_MS = 200;
const LINE_MS = 5000;
const CLEAR_LINE = '\r\u001B[K';

/** `total`: bytes and files expected. `clock`: milliseconds, monotonic. */
export function startProgress(screen: Screen, words: ProgressWords, total: { readonly bytes: number; readonly files: number }, clock: () => number): Progress {
  const started = clock();
  let bytes = 0;
  let files = 0;
  const text = (): string => {
    const seconds = (clock() - started) / 1000;
    const left = bytes > 0 ? (total.bytes - bytes) * (seconds / bytes) : Number.NaN;
    const percent = total.bytes === 0 ? 100 : Math.floor((bytes / total.bytes) * 100);
    return `${words.doing} ${sizeText(bytes)} of ${sizeText(total.bytes)}  ${percent} %  ${rateText(bytes, seconds)}  ETA ${Number.isNaN(left) ? '-:--' : durationText(left)}  ${files} of ${countText(total.files, 'file')}`;
  };
  const draw = (): void => screen.write(screen.terminal ? CLEAR_LINE + text().slice(0, Math.max(1, screen.columns() - 1)) : `${text()}\n`);
  const timer = setInterval(draw, screen.terminal ? REDRAW_MS : LINE_MS);
  timer.unref();
  return {
    add: (n) => { bytes += n; },
    fileDone: () => { files++; },
    end: (how) => {
      clearInterval(timer);
      if (screen.terminal) screen.write(CLEAR_LINE);
      const seconds = (clock() - started) / 1000;
      if (how === 'done') screen.write(`${words.done} ${sizeText(bytes)} in ${countText(files, 'file')}, ${durationText(seconds)}, ${rateText(bytes, seconds)}\n`);
    },
    above: (line) => screen.write(`${screen.terminal ? CLEAR_LINE : ''}${line}\n`),
  };
}
