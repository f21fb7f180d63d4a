// Which file names a model may carry (docs/format.md §8): what is safe under any root, on any file system, in any terminal.
import { needs } from '../errors.ts';

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

/** One path alone. Throws E_PATH_SYNTAX or E_PATH_RESERVED. */
export function checkPath(path: string): void {
  const shown = JSON.stringify(path);
  const must = (condition: boolean, rule: string): void => needs(condition, 'E_PATH_SYNTAX', `the path ${shown} ${rule}`, 'Rename the file before sealing.');
  must(path.isWellFormed() && path === path.normalize('NFC'), 'is not Unicode in normal form C');
  must(!hasControlOrBidi(path), 'has control or direction-changing characters');
  must(!path.includes('\\') && !path.includes(':'), 'has \\ or : in it');
  must(Buffer.byteLength(path) <= MAX_PATH_BYTES, `is longer than ${MAX_PATH_BYTES} bytes`);
  const components = path.split('/');
  must(components.length <= MAX_DEPTH, `is more than ${MAX_DEPTH} components deep`);
  for (const component of components) {
    must(component !== '' && component !== '.' && component !== '..', 'is not relative and plain: a component is empty, . or ..');
    must(Buffer.byteLength(component) <= MAX_COMPONENT_BYTES, `has a component longer than ${MAX_COMPONENT_BYTES} bytes`);
  }
  // §8: first component not `.staging` or `.ready`
  needs(!RESERVED_ROOTS.has(foldPath(components[0] ?? '')), 'E_PATH_RESERVED', `the path ${shown} begins with a name that the decryptor uses itself`, 'Rename the file before sealing.');
}

/** All paths of one model: each alone, and no two that collide. Throws E_PATH_SYNTAX, E_PATH_RESERVED, E_PATH_CONFLICT. */
export function checkPaths(paths: Iterable<string>): void {
  const files = new Map<string, string>();
  for (const path of paths) {
    checkPath(path);
    const fold = foldPath(path);
    const twin = files.get(fold);
    needs(twin === undefined, 'E_PATH_CONFLICT', `${JSON.stringify(path)} and ${JSON.stringify(twin)} are one name where case or accents do not count`, 'Rename one of them before sealing.');
    files.set(fold, path);
  }
  // §8: no path that is a directory of another
  for (const [fold, path] of files) {
    for (let slash = fold.indexOf('/'); slash >= 0; slash = fold.indexOf('/', slash + 1)) {
      const file = files.get(fold.slice(0, slash));
      needs(file === undefined, 'E_PATH_CONFLICT', `${JSON.stringify(file)} is both a file and the folder of ${JSON.stringify(path)}`, 'Rename one of them before sealing.');
    }
  }
}
