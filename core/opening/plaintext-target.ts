// Where verified plaintext goes. It receives verified segments only, and only step 9 makes them visible under a final name.

/** One file being written. Writes are synchronous: the socket's owner does not read meanwhile, and TCP pushes back (no queue of plaintext). */
export interface PlaintextFile {
  /** All of `bytes` at `position`; any order, no overlap. `bytes` is the caller's again afterwards. Throws E_NO_SPACE, E_IO. */
  write(bytes: Buffer, position: number): void;
  /** Everything was written and verified. */
  finish(): void;
  /** Releases it unfinished. Does nothing after `finish`. */
  abandon(): void;
}

export interface PlaintextTarget {
  /** Throws E_PATH_LINK, E_NO_SPACE, E_IO. */
  create(path: string, bytes: number): PlaintextFile;
}

/** For `verify`: every check, nothing written. */
export const NOWHERE: PlaintextTarget = { create: () => ({ write: () => {}, finish: () => {}, abandon: () => {} }) };
