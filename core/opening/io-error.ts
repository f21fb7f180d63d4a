// What a failed system call on the target means: one code and a next step (format.md §11, class local and path).
import { WeightlockError, type ErrorCode } from '../errors.ts';

const codeOf = (error: unknown): string => (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : '');

/** `action` + `path` = what was tried: `cannot create /target/.staging/a: …`. */
export function ioError(action: string, path: string, error: unknown): WeightlockError {
  if (error instanceof WeightlockError) return error;
  const code = codeOf(error);
  const message = `cannot ${action} ${path}${code === '' ? '' : ` (${code})`}`;
  const failure = (failed: ErrorCode, text: string, next: string): WeightlockError => new WeightlockError(failed, text, { next, cause: error });
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return failure('E_NO_SPACE', `${message}: the volume is full`, 'Make the volume larger (the emptyDir\'s sizeLimit, or the tmpfs size option).');
    case 'ELOOP':
    case 'ENOTDIR':
    case 'EEXIST':
      return failure(
        'E_PATH_LINK',
        `${message}: something stands in its way that Weightlock did not make`,
        'Find out who writes into this volume; it must belong to Weightlock alone.',
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return failure(
        'E_IO',
        `${message}: not permitted to user ${process.getuid?.() ?? '?'}`,
        'Mount the volume writable for this user (fsGroup, or the tmpfs mode and uid options).',
      );
    default:
      return failure('E_IO', message, 'Look at the volume and the node\'s kernel log, then start again.');
  }
}

/** Runs one system call; its failure becomes an `ioError`. */
export function io<T>(action: string, path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw ioError(action, path, error);
  }
}

export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';
