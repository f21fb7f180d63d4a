// A folder as a tar archive (POSIX ustar) in which nothing depends on when, where or by whom it was made: names sorted, owner 0, time 0.
import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

const BLOCK_BYTES = 512;

type Entry =
  | { readonly kind: 'file'; readonly mode: number; readonly body: Buffer }
  | { readonly kind: 'folder'; readonly mode: number }
  | { readonly kind: 'link'; readonly to: string };

const TYPE = { file: '0', link: '2', folder: '5' } as const;

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0');

/** ustar splits a name of more than 100 bytes at a slash into prefix (155) and name (100). */
function split(path: string): { readonly prefix: string; readonly name: string } {
  if (Buffer.byteLength(path) <= 100) return { prefix: '', name: path };
  const cut = path.lastIndexOf('/', Math.min(155, path.length - 2)); // not at the slash that ends a folder's name
  const [prefix, name] = [path.slice(0, Math.max(cut, 0)), path.slice(cut + 1)];
  if (cut < 1 || name === '' || Buffer.byteLength(name) > 100 || Buffer.byteLength(prefix) > 155)
    throw new Error(`too long a name for a tar archive: ${path}`);
  return { prefix, name };
}

/** One entry: header, body, padding to whole blocks. `path` is relative; a folder's ends in a slash. */
export function tarEntry(path: string, entry: Entry): Buffer[] {
  const { prefix, name } = split(path);
  const body = entry.kind === 'file' ? entry.body : Buffer.alloc(0);
  const link = entry.kind === 'link' ? entry.to : '';
  if (Buffer.byteLength(link) > 100) throw new Error(`too long a link for a tar archive: ${path} -> ${link}`);
  const header = Buffer.alloc(BLOCK_BYTES);
  header.write(name, 0);
  header.write(octal(entry.kind === 'link' ? 0o777 : entry.mode & 0o7777, 7), 100);
  header.write(octal(0, 7), 108); // uid
  header.write(octal(0, 7), 116); // gid
  header.write(octal(body.length, 11), 124);
  header.write(octal(0, 11), 136); // mtime
  header.write(' '.repeat(8), 148); // the checksum counts its own field as spaces
  header.write(TYPE[entry.kind], 156);
  header.write(link, 157);
  header.write('ustar\u000000', 257, 'latin1');
  header.write(prefix, 345);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  return [header, body, Buffer.alloc((BLOCK_BYTES - (body.length % BLOCK_BYTES)) % BLOCK_BYTES)];
}

export const tarEnd = (): Buffer => Buffer.alloc(2 * BLOCK_BYTES);

function* entriesUnder(folder: string, path: string): Generator<Buffer> {
  for (const name of readdirSync(folder).sort()) {
    const [at, entry] = [join(folder, name), path + name];
    const stat = lstatSync(at);
    if (stat.isSymbolicLink()) yield* tarEntry(entry, { kind: 'link', to: readlinkSync(at) });
    else if (stat.isDirectory()) {
      yield* tarEntry(`${entry}/`, { kind: 'folder', mode: stat.mode });
      yield* entriesUnder(at, `${entry}/`);
    } else if (stat.isFile()) yield* tarEntry(entry, { kind: 'file', mode: stat.mode, body: readFileSync(at) });
    else throw new Error(`${at} is neither file, folder nor link: it cannot go into an image`);
  }
}

/** All of `folder`, its own name left out. */
export const tarFolder = (folder: string): Buffer => Buffer.concat([...entriesUnder(folder, ''), tarEnd()]);
