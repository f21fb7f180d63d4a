// The folder to be sealed, as the command line sees it: what must not be in it, and what of it does not travel.
import { realpath } from 'node:fs/promises';
import type { ModelSource } from '../core/api/decryptor-config.ts';
import { needs } from '../core/errors.ts';
import type { KeyFlag } from '../core/keys/registry.ts';
import { liesIn } from '../core/publishing/links.ts';
import type { ScannedFolder } from '../core/publishing/source-file.ts';
import { countText, someOf } from './quantity.ts';
import type { Say } from './say.ts';

/** The store, or a key: the next sealing would hold the ciphertext of this one, and every pod the key. Throws E_USAGE. */
export async function refuseItself(folder: ScannedFolder, source: ModelSource, keys: readonly KeyFlag[]): Promise<void> {
  if ('file' in source) needs(!liesIn(folder.root, source.file.path), 'E_USAGE', `the store ${source.file.path} lies in ${folder.root}, the folder to be sealed`, 'Choose a store outside of it.');
  for (const key of keys) {
    if (key.provider !== 'local-file') continue;
    const path = await realpath(key.path).catch(() => null); // whoever opens it says what is wrong with it
    needs(!folder.files.some((file) => file.realPath === path), 'E_USAGE', `the key ${key.path} lies in ${folder.root}, the folder to be sealed`, 'Move it out of there: everything in the folder is sealed, and served.');
  }
}

export function sayWhatDoesNotTravel(folder: ScannedFolder, say: Say): void {
  if (folder.leftOut.length > 0) say.line(`left out: ${someOf(folder.leftOut)}`);
  if (folder.emptyFolders.length > 0) say.line(`not sealed, being empty: ${someOf(folder.emptyFolders)}`);
  if (folder.droppedModes.length > 0) say.line(`sealed as plain files, though executable or with special modes: ${someOf(folder.droppedModes)}`);
  if (folder.linked > 0) say.line(`${countText(folder.linked, 'file')} reached through links: sealed by content`);
}
