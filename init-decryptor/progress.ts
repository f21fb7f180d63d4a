// How a load goes, for whoever watches `kubectl logs -c weightlock-…`: a line every few seconds with bytes, rate and time to go.
import type { LoadObserver } from '../core/opening/load-files.ts';
import { withoutQueries, type Logger } from '../core/log.ts';

/** The first line comes soon: whoever looks wants to know that it moves. */
const FIRST_LINE_MS = 1_000;
const LINE_EVERY_MS = 5_000;

export interface Progress {
  readonly observer: LoadObserver;
  bytes(): number;
  /** Ends the lines. */
  stop(): void;
}

/** `now`: milliseconds on a clock that only goes forward. */
export function watchProgress(totalBytes: number, log: Logger, now: () => number): Progress {
  const startedAt = now();
  let bytes = 0;
  let files = 0;
  let lastAt = startedAt;
  let lastBytes = 0;
  const line = (): void => {
    const at = now();
    const bytesPerSecond = Math.round(((bytes - lastBytes) * 1000) / Math.max(1, at - lastAt));
    const average = (bytes * 1000) / Math.max(1, at - startedAt);
    const etaSeconds = average > 0 ? { etaSeconds: Math.ceil((totalBytes - bytes) / average) } : {};
    log.info('loading', { bytes, totalBytes, files, bytesPerSecond, ...etaSeconds });
    lastAt = at;
    lastBytes = bytes;
    timer = setTimeout(line, LINE_EVERY_MS).unref();
  };
  let timer = setTimeout(line, FIRST_LINE_MS).unref();
  return {
    observer: {
      verified: (more) => {
        bytes += more;
      },
      fileDone: (path, size) => {
        files += 1;
        log.debug('file verified', { path, bytes: size });
      },
      retrying: (path, error) => log.warn('asking again', { path, reason: withoutQueries(error.message) }),
    },
    bytes: () => bytes,
    stop: () => clearTimeout(timer),
  };
}
