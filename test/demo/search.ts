// Looks for bytes of the plain model in every file of a folder, as somebody with the disk in hands would.
import { closeSync, openSync, readSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface Search {
  /** Files with any of the needles in them. */
  readonly hits: readonly string[];
  readonly files: number;
  readonly bytes: number;
}

const NEEDLE_BYTES = 32;
const BUFFER_BYTES = 8 * 1024 * 1024;

/** Pieces from all over `file`, each long enough to be found nowhere by chance. Pieces of few different bytes (padding) are passed over. */
export function needlesOf(file: string, count: number): Buffer[] {
  const { size } = statSync(file);
  const descriptor = openSync(file, 'r');
  try {
    const needles: Buffer[] = [];
    for (let at = Math.floor(size / (2 * count)); at + NEEDLE_BYTES <= size && needles.length < count; at += Math.floor(size / count)) {
      const needle = Buffer.alloc(NEEDLE_BYTES);
      readSync(descriptor, needle, 0, NEEDLE_BYTES, at);
      if (new Set(needle).size > NEEDLE_BYTES / 2) needles.push(needle);
    }
    if (needles.length < count / 2) throw new Error(`${file} has too little in it to search for`);
    return needles;
  } finally {
    closeSync(descriptor);
  }
}

function contains(file: string, needles: readonly Buffer[], buffer: Buffer): { readonly hit: boolean; readonly bytes: number } {
  const descriptor = openSync(file, 'r');
  try {
    let bytes = 0;
    for (let kept = 0; ;) {
      const read = readSync(descriptor, buffer, kept, buffer.length - kept, null);
      if (read === 0) return { hit: false, bytes };
      bytes += read;
      const filled = buffer.subarray(0, kept + read);
      if (needles.some((needle) => filled.includes(needle))) return { hit: true, bytes };
      kept = Math.min(NEEDLE_BYTES - 1, filled.length); // a needle may lie across two reads
      filled.copyWithin(0, filled.length - kept);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Regular files under `folder`; links are not followed. What vanishes meanwhile is passed over. */
export function searchFolder(folder: string, needles: readonly Buffer[]): Search {
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  const hits: string[] = [];
  let [files, total] = [0, 0];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    try {
      const { hit, bytes } = contains(path, needles, buffer);
      if (hit) hits.push(path);
      files += 1;
      total += bytes;
    } catch (error) {
      if (!['ENOENT', 'ENXIO'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return { hits, files, bytes: total };
}
