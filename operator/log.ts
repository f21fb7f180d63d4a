// The operator's log: one JSON object a line on stdout, with fields from an allow-list, so that no key, credential or pod content can slip in.

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** The only fields a line may carry beside time, level and message. */
export interface LogFields {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly pod?: string | undefined;
  readonly container?: string | undefined;
  readonly kind?: string | undefined;
  readonly code?: string | undefined;
  readonly decision?: string | undefined;
  readonly reason?: string | undefined;
  readonly uid?: string | undefined;
  readonly user?: string | undefined;
  readonly milliseconds?: number | undefined;
  readonly count?: number | undefined;
  readonly attempt?: number | undefined;
  readonly error?: string | undefined;
  readonly notAfter?: string | undefined;
  readonly version?: string | undefined;
  readonly port?: number | undefined;
}

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}
