// Log lines of the long-running programs: winston, stderr, an allow-list of fields. Nothing else gets into a line, so no secret can.
import winston from 'winston';

/** Every field a line may carry. Values are names, counts and codes; never bytes of a key or of a model. */
export interface LogFields {
  readonly code?: string;
  readonly next?: string;
  readonly reason?: string;
  readonly model?: string;
  readonly digest?: string;
  readonly lineage?: string;
  readonly provider?: string;
  readonly key?: string;
  readonly kmsRequestId?: string;
  readonly source?: string;
  readonly path?: string;
  readonly files?: number;
  readonly bytes?: number;
  readonly totalBytes?: number;
  readonly bytesPerSecond?: number;
  readonly etaSeconds?: number;
  readonly connections?: number;
  readonly attempt?: number;
  readonly milliseconds?: number;
  readonly version?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly pod?: string;
  readonly node?: string;
  readonly container?: string;
  readonly user?: string;
  readonly operation?: string;
  readonly status?: number;
  readonly port?: number;
  readonly stack?: string;
}

const ALLOWED = new Set<string>([
  'code', 'next', 'reason', 'model', 'digest', 'lineage', 'provider', 'key', 'kmsRequestId', 'source', 'path', 'files', 'bytes', 'totalBytes',
  'bytesPerSecond', 'etaSeconds', 'connections', 'attempt', 'milliseconds', 'version', 'kind', 'namespace', 'name', 'uid', 'pod', 'node',
  'container', 'user', 'operation', 'status', 'port', 'stack',
] satisfies readonly (keyof LogFields)[]);

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Resolves when every line is written: before the process ends. */
  close(): Promise<void>;
}

/**
 * `text` without what may be secret in it: the query of any URL (presigned requests carry signatures there). The expression takes a URL whole,
 * with or without a query: one that asked for the `?` would look through a text of many URLs once for each of them.
 */
export const withoutQueries = (text: string): string => text.replaceAll(/\bhttps?:\/\/[^\s"']*/g, (url) => url.split('?', 1)[0] ?? '');

const cleaned = (fields: LogFields): Record<string, string | number> =>
  Object.fromEntries(
    Object.entries(fields as Record<string, unknown>).flatMap(([name, value]): [string, string | number][] => {
      if (!ALLOWED.has(name)) return [];
      if (typeof value === 'number') return [[name, value]];
      return typeof value === 'string' ? [[name, withoutQueries(value)]] : [];
    }),
  );

/** One JSON object a line: `{"level":"info","message":"…","time":"…Z", …fields}`. */
export function createLogger(level: LogLevel, stream: NodeJS.WritableStream): Logger {
  const transport = new winston.transports.Stream({ stream });
  const logger = winston.createLogger({ level, format: winston.format.json(), transports: [transport] });
  const at = (lineLevel: LogLevel) => (message: string, fields: LogFields = {}): void => {
    logger.log({ ...cleaned(fields), level: lineLevel, message: withoutQueries(message), time: new Date().toISOString() });
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    close: async () => {
      const finished = new Promise<void>((resolve) => {
        transport.once('finish', resolve);
      });
      logger.end();
      await finished;
    },
  };
}
