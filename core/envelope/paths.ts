// Which file names a model may carry (docs/format.md §8): what is safe under any root, on any file system, in any terminal.
import { WeightlockError } from '../errors.ts';

const MAX_PATH_BYTES = 1024;
const MAX_COMPONENT_BYTES = 255;
const MAX_DEPTH = 16;
/** Names that the decryptor uses beside `model/`. */
const RESERVED_ROOTS: ReadonlySet<string> = new Set(['.staging', '.ready']);
/** Control characters (Cc, with NUL), line and paragraph separators. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029]/u;
/** Characters that reorder what a person reads (UAX #9). */
const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** Whether `text` would control or reorder a terminal's line. Model names and versions are held to it too (§5). */
export const hasControlOrBidi = (text: string): boolean => UNPRINTABLE.test(text) || BIDI.test(text);

/** Two paths with the same fold are one file on some file system: NFC(lower(upper(NFC p))), Unicode's locale-independent full mappings. */
export const foldPath = (path: string): string => path.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');

/** What is wrong with the spelling of `path`, to follow its name in a sentence; null where nothing is. */
function faultOf(path: string): string | null {
  if (!path.isWellFormed() || path !== path.normalize('NFC')) return 'is not Unicode in normal form C';
  if (hasControlOrBidi(path)) return 'has control or direction-changing characters';
  if (path.includes('\\') || path.includes(':')) return 'has \\ or : in it';
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `is longer than ${MAX_PATH_BYTES} bytes`;
  const components = path.split('/');
  if (components.length > MAX_DEPTH) return `is more than ${MAX_DEPTH} components deep`;
  if (components.some((component) => component === '' || component === '.' || component === '..')) return 'is not relative and plain: a component is empty, . or ..';
  if (components.some((component) => Buffer.byteLength(component) > MAX_COMPONENT_BYTES)) return `has a component longer than ${MAX_COMPONENT_BYTES} bytes`;
  return null;
}

const RENAME = 'Rename the file before sealing.';

/** One path alone. Throws E_PATH_SYNTAX or E_PATH_RESERVED. */
export function checkPath(path: string): void {
  const fault = faultOf(path);
  if (fault !== null) throw new WeightlockError('E_PATH_SYNTAX', `the path ${JSON.stringify(path)} ${fault}`, { next: RENAME });
  // §8: first component not `.staging` or `.ready`
  const reserved = RESERVED_ROOTS.has(foldPath(path.split('/', 1)[0] ?? ''));
  if (reserved) throw new WeightlockError('E_PATH_RESERVED', `the path ${JSON.stringify(path)} begins with a name that the decryptor uses itself`, { next: RENAME });
}

const conflict = (message: string): WeightlockError => new WeightlockError('E_PATH_CONFLICT', message, { next: 'Rename one of them before sealing.' });

/** All paths of one model: each alone, and no two that collide. Throws E_PATH_SYNTAX, E_PATH_RESERVED, E_PATH_CONFLICT. */
export function checkPaths(paths: Iterable<string>): void {
  const files = new Map<string, string>();
  for (const path of paths) {
    checkPath(path);
    const fold = foldPath(path);
    const twin = files.get(fold);
    if (twin !== undefined) throw conflict(`${JSON.stringify(path)} and ${JSON.stringify(twin)} are one name where case or accents do not count`);
    files.set(fold, path);
  }
  // §8: no path that is a directory of another
  for (const [fold, path] of files) {
    for (let slash = fold.indexOf('/'); slash >= 0; slash = fold.indexOf('/', slash + 1)) {
      const file = files.get(fold.slice(0, slash));
      if (file !== undefined) throw conflict(`${JSON.stringify(file)} is both a file and the folder of ${JSON.stringify(path)}`);
    }
  }
}
