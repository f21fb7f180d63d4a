// Walks the folder to be sealed. Promises: regular files only, each under a path that every reader accepts; no link leads out; nothing is left out unsaid.
import type { BigIntStats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { needs, WeightlockError } from '../errors.ts';
import { MAX_FILES } from '../envelope/limits.ts';
import { checkPaths } from '../envelope/paths.ts';
import { foldersLinksMayReach, liesIn } from './links.ts';
import { identityOf, ioError, type ScannedFolder, type SourceFile } from './source-file.ts';

/** §8: paths have at most 16 components, so a file lies in at most 15 folders below the root. Held while walking: links between folders cannot make it long. */
const MAX_FOLDERS_DEEP = 15;

interface Walk {
  readonly root: string;
  readonly reach: readonly string[];
  readonly signal: AbortSignal;
  readonly files: SourceFile[];
  readonly emptyFolders: string[];
  readonly droppedModes: string[];
  readonly leftOut: string[];
  linked: number;
}

/** Throws E_USAGE (no such folder, nothing in it), E_PATH_* (a name or link that cannot be sealed), E_LIMIT_FILES, E_IO. Reads no file's content. */
export async function scanFolder(folder: string, signal: AbortSignal): Promise<ScannedFolder> {
  const root = await realpath(folder).catch((error: unknown) => {
    throw new WeightlockError('E_USAGE', `cannot seal ${folder}: there is no such folder`, { next: 'Name the folder that holds the model\'s files.', cause: error });
  });
  const facts = await stat(root).catch((error: unknown) => { throw ioError('look at', folder, error); });
  needs(facts.isDirectory(), 'E_USAGE', `cannot seal ${folder}: it is a file`, 'Name the folder that holds it; everything in that folder is sealed.');
  const walk: Walk = { root, reach: foldersLinksMayReach(root), signal, files: [], emptyFolders: [], droppedModes: [], leftOut: [], linked: 0 };
  await enter(walk, root, '', [root]);
  needs(walk.files.length > 0, 'E_USAGE', `cannot seal ${folder}: there is no file in it`, 'Name the folder that holds the model\'s files.');
  checkPaths(walk.files.map((file) => file.path));
  const files = walk.files.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  return { root, files, bytes: files.reduce((sum, file) => sum + file.size, 0), emptyFolders: walk.emptyFolders, droppedModes: walk.droppedModes, leftOut: walk.leftOut, linked: walk.linked };
}

/** Adds what lies in `directory` (shown as `shown` + '/'); returns whether anything of it travels or was left out by rule. `above`: real paths on the way here. */
async function enter(walk: Walk, directory: string, shown: string, above: readonly string[]): Promise<boolean> {
  walk.signal.throwIfAborted();
  const names = await readdir(directory, { encoding: 'buffer' }).catch((error: unknown) => { throw ioError('list', directory, error); });
  let holdsSomething = false;
  for (const raw of names.toSorted((a, b) => Buffer.compare(a, b))) {
    const name = decodeName(raw, shown);
    const path = join(directory, name);
    const inModel = (shown + name).normalize('NFC');
    if (name === '.git' || (name === 'huggingface' && /(^|\/)\.cache\/$/.test(shown))) {
      walk.leftOut.push(inModel);
      holdsSomething = true;
    } else if (await add(walk, path, inModel, above)) {
      holdsSomething = true;
    }
  }
  if (!holdsSomething && shown !== '') walk.emptyFolders.push(shown.slice(0, -1));
  return holdsSomething;
}

async function add(walk: Walk, path: string, inModel: string, above: readonly string[]): Promise<boolean> {
  const facts = await lstat(path, { bigint: true }).catch((error: unknown) => { throw ioError('look at', path, error); });
  if (!facts.isSymbolicLink()) return addKnown(walk, path, inModel, facts, above);
  const target = await realpath(path).catch((error: unknown) => {
    throw new WeightlockError('E_PATH_LINK', `${inModel} is a link that leads nowhere`, { next: 'Remove the link, or put the file it meant into the folder.', cause: error });
  });
  // §8: a link is followed only where its real path lies in the root, or in a Hugging Face cache repository named as such.
  needs(walk.reach.some((folder) => liesIn(folder, target)), 'E_PATH_LINK', `${inModel} is a link that leads out of the folder, to ${target}`,
    'Copy the file into the folder (cp -L), or seal the Hugging Face snapshot folder itself (…/models--ORG--NAME/snapshots/REVISION).');
  needs(!above.includes(target), 'E_PATH_LINK', `${inModel} is a link to ${target}, a folder that it lies in: following it would never end`, 'Remove the link.');
  const added = await addKnown(walk, target, inModel, await stat(target, { bigint: true }).catch((error: unknown) => { throw ioError('look at', target, error); }), above);
  if (added) walk.linked++;
  return added;
}

async function addKnown(walk: Walk, realPath: string, inModel: string, facts: BigIntStats, above: readonly string[]): Promise<boolean> {
  if (facts.isDirectory()) {
    needs(above.length <= MAX_FOLDERS_DEEP, 'E_PATH_SYNTAX', `${inModel} lies more than ${MAX_FOLDERS_DEEP} folders deep`, 'Flatten the folder.');
    return enter(walk, realPath, `${inModel}/`, [...above, realPath]);
  }
  needs(facts.isFile(), 'E_PATH_LINK', `${inModel} is neither a file nor a folder (a device, FIFO or socket)`, 'Remove it from the folder.');
  // §5: files <= 65,536.
  needs(walk.files.length < MAX_FILES, 'E_LIMIT_FILES', `${walk.root} holds more than ${MAX_FILES} files`, 'Seal fewer files, or pack the small ones.');
  if ((facts.mode & 0o7111n) !== 0n) walk.droppedModes.push(inModel);
  walk.files.push({ path: inModel, realPath, size: Number(facts.size), identity: identityOf(facts) });
  return true;
}

function decodeName(raw: Buffer, shown: string): string {
  const name = raw.toString('utf8');
  needs(Buffer.from(name).equals(raw), 'E_PATH_SYNTAX', `a name in ${shown === '' ? 'the folder' : shown} is not UTF-8: ${JSON.stringify(raw.toString('latin1'))}`, 'Rename the file.');
  return name;
}
