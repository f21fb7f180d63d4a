// What the API server answers when it says no, as one error with a status and a reason to branch on (never on its text).

/** `metav1.Status` of a failed call. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status. */
  readonly status: number;
  /** `metav1.StatusReason`: NotFound, AlreadyExists, Conflict, Expired, Forbidden, …; empty where the answer was not a Status. */
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** The error in an answer's body; `call` says which call it was. */
export function readStatus(call: string, status: number, body: string): ApiError {
  const parsed = parseObject(body);
  const reason = typeof parsed?.['reason'] === 'string' ? parsed['reason'] : '';
  const message = typeof parsed?.['message'] === 'string' ? parsed['message'] : body.slice(0, 300);
  return new ApiError(status, reason, `${call}: ${String(status)} ${message}`);
}

/** The same for the `object` of a watch event of type ERROR. */
export function statusOfEvent(call: string, object: unknown): ApiError {
  const code = typeof object === 'object' && object !== null && 'code' in object && typeof object.code === 'number' ? object.code : 500;
  return readStatus(call, code, JSON.stringify(object));
}

export const isNotFound = (error: unknown): boolean => error instanceof ApiError && error.status === 404;
export const isConflict = (error: unknown): boolean => error instanceof ApiError && error.status === 409;
/** The resource version or the continue token is too old: list again. */
export const isExpired = (error: unknown): boolean => error instanceof ApiError && (error.status === 410 || error.reason === 'Expired');

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
