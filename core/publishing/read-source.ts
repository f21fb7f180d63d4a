// Reads a file that is being sealed, and notices when it did not hold still (format.md §4: size, mtime, ctime and inode compared before and after).
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { WeightlockError } from '../errors.ts';
import { identityOf, ioError, sameIdentity, type SourceFile } from './source-file.ts';

const changed = (file: SourceFile): WeightlockError =>
  new WeightlockError('E_SOURCE_CHANGED', `${file.path} changed while it was being sealed`, { next: 'Wait until nothing writes to the folder, then seal again.' });

/**
 * The file's bytes in pieces of `pieceBytes` (the last one shorter; none for an empty file). A piece is valid until the next one is asked for. Throws
 * E_SOURCE_CHANGED (before the first piece, or in place of the end), E_IO.
 */
export async function* readSource(file: SourceFile, pieceBytes: number, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  const handle = await open(file.realPath, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => { throw ioError('read', file.realPath, error); });
  try {
    if (!sameIdentity(identityOf(await handle.stat({ bigint: true })), file.identity)) throw changed(file);
    const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, file.size));
    for (let at = 0; at < file.size; ) {
      signal.throwIfAborted();
      const wanted = Math.min(pieceBytes, file.size - at);
      let filled = 0;
      while (filled < wanted) {
        const { bytesRead } = await handle.read(piece, filled, wanted - filled, at + filled).catch((error: unknown) => { throw ioError('read', file.realPath, error); });
        if (bytesRead === 0) throw changed(file);
        filled += bytesRead;
      }
      yield piece.subarray(0, filled);
      at += filled;
    }
    // Of the file that was read; renaming another into its place, or deleting it, shows in its ctime.
    if (!sameIdentity(identityOf(await handle.stat({ bigint: true })), file.identity)) throw changed(file);
  } finally {
    await handle.close();
  }
}
