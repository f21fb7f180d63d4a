// The head of an HTTP/1.1 response, read strictly (RFC 9112): one status line, unfolded header fields, nothing that two readers could frame differently.

export interface ResponseHead {
  readonly status: number;
  /** Names in lower case. A repeated field is joined by ", " (RFC 9110 §5.3), so a repeated Content-Length or Content-Range never reads as one value. */
  readonly headers: ReadonlyMap<string, string>;
}

const STATUS_LINE = /^HTTP\/1\.1 ([1-5][0-9]{2})(?: [\x20-\x7e\x80-\xff\t]*)?$/;
/** field-name ":" OWS field-value OWS. No space before the colon, no control characters. */
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\x20-\x7e\x80-\xff\t]*[\x21-\x7e\x80-\xff])?)[ \t]*$/;

/** `text` is what came before the empty line, as latin1. null: this is not an HTTP/1.1 response. */
export function parseResponseHead(text: string): ResponseHead | null {
  const [first = '', ...lines] = text.split('\r\n');
  const status = STATUS_LINE.exec(first)?.[1];
  if (status === undefined) return null;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined) return null;
    const key = name.toLowerCase();
    const before = headers.get(key);
    headers.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  return { status: Number(status), headers };
}

/** Content-Length as a safe integer; null where it is absent, repeated or no plain number. */
export function contentLength(head: ResponseHead): number | null {
  const text = head.headers.get('content-length') ?? '';
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : -1;
  return Number.isSafeInteger(value) && value >= 0 ? value : null;
}

export interface ContentRange {
  /** First byte and one past the last; null in `bytes *\/n` (416). */
  readonly start: number | null;
  readonly end: number | null;
  /** The whole representation's length. */
  readonly size: number;
}

/** `bytes first-last/size` or `bytes *\/size` (RFC 9110 §14.4); null for anything else, an unknown size included. */
export function contentRange(head: ResponseHead): ContentRange | null {
  const [, first, last, size] = /^bytes (?:([0-9]{1,16})-([0-9]{1,16})|\*)\/([0-9]{1,16})$/.exec(head.headers.get('content-range') ?? '') ?? [];
  if (size === undefined) return null;
  const range = { start: first === undefined ? null : Number(first), end: last === undefined ? null : Number(last) + 1, size: Number(size) };
  return Object.values(range).every((value) => value === null || Number.isSafeInteger(value)) ? range : null;
}
