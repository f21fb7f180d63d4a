// Which links sealing may follow: into the folder itself, or into the Hugging Face cache repository that the folder is a snapshot of (format.md §8).
import { sep } from 'node:path';

/** Whether `path` is `root` or lies below it. Both absolute and free of links. */
export const liesIn = (root: string, path: string): boolean => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);

/**
 * The folders into which a link found below `root` may lead. A Hugging Face cache repository is named as such:
 * `models--ORG--NAME/snapshots/REVISION`, whose files are links into `models--ORG--NAME/blobs`.
 */
export function foldersLinksMayReach(root: string): readonly string[] {
  const parts = root.split(sep);
  const at = parts.findLastIndex((part, i) => /^models--[^/]+$/.test(part) && parts[i + 1] === 'snapshots' && parts[i + 2] !== undefined);
  return at < 0 ? [root] : [root, [...parts.slice(0, at + 1), 'blobs'].join(sep)];
}
