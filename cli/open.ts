// `weightlock open`: a model decrypted into memory (a tmpfs) and published there in one step; to a disk only when asked in so many words.
import { readFileSync } from 'node:fs';
import { mkdir, readdir, rmdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { needs, WeightlockError } from '../core/errors.ts';
import { loadFiles } from '../core/opening/load-files.ts';
import { openModelRoot, ROOT_NAMES, type ModelRoot } from '../core/opening/model-root.ts';
import { readSwap } from '../core/opening/swap.ts';
import { totalsOf } from '../core/opening/selection.ts';
import { command, type Session } from './command.ts';
import { CONNECTIONS, factsJson, factsText } from './opened-facts.ts';
import { countText, sizeText } from './quantity.ts';
import { READER_OPTIONS, withModel, type Reading } from './reading.ts';

export const open = command(
  {
    name: 'open',
    usage: 'URL|model.yaml --to DIR [--key KEY] [--digest sha256:HEX | --lineage HEX | --name NAME] [options]',
    about: 'Decrypts a model into DIR/model. DIR must not exist, or be empty, and lie in memory (a tmpfs).\nA DIR that it makes is for your account alone (mode 0700); make it yourself where another one is to read it.\nA model.yaml carries the pins and the keys; with a URL, give them as flags.',
    positionals: [{ name: 'URL|model.yaml', about: 's3://bucket/prefix, file:///dir, or what `seal --emit` wrote' }],
    options: {
      to: { type: 'string', required: true, value: 'DIR', about: 'where to, such as /dev/shm/llama' },
      'allow-disk': { type: 'boolean', about: 'DIR may lie on a disk: the plaintext stays there until you delete it, and perhaps longer' },
      ...READER_OPTIONS,
    },
    examples: [
      { does: 'into memory', line: 'weightlock open model.yaml --to /dev/shm/llama' },
      { does: 'with pins on the command line', line: 'weightlock open file:///tmp/sealed --to /dev/shm/my-model --key local-file:./try.key --name acme/my-model' },
    ],
  },
  async (session, { positionals: [place = ''], values }) => {
    const path = resolve(values.to);
    const made = await prepare(path);
    let published = false;
    try {
      const root = await openModelRoot(path);
      try {
        needs(root.onTmpfs || values['allow-disk'], 'E_NOT_TMPFS', `${path} is not in memory: the plaintext would be written to a disk`,
          'Choose a folder in a tmpfs, such as /dev/shm, or say --allow-disk.');
        if (!root.onTmpfs) session.say.warn(`${path} lies on a disk: the plaintext stays there until it is deleted, and an SSD may keep it longer`);
        else warnOfSwap(session, path);
        await withModel(session, place, values, (reading) => load(session, root, reading));
        published = true;
      } finally {
        await root.close();
      }
    } finally {
      if (made && !published) await rmdir(path).catch(() => undefined);
    }
  },
);

/** Makes the folder, or sees that it holds nothing but what a killed `open` left. Returns whether it was made. Throws E_TARGET_BUSY, E_IO. */
async function prepare(path: string): Promise<boolean> {
  const names = await readdir(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new WeightlockError('E_IO', `cannot open into ${path}: ${(error as Error).message}`, { next: 'Name a folder that does not exist yet, or an empty one.', cause: error });
  });
  if (names === null) {
    // Plaintext in a place that everybody may enter: for this account alone. Who wants others to read it makes the folder first.
    await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
      throw new WeightlockError('E_IO', `cannot make ${path}: ${(error as Error).message}`, { next: 'Make the folder above it first, or name another.', cause: error });
    });
    return true;
  }
  const leftovers: readonly string[] = [ROOT_NAMES.staging, ROOT_NAMES.attempts];
  const first = names.find((name) => !leftovers.includes(name));
  needs(first === undefined, 'E_TARGET_BUSY', `${path} is not empty: it holds ${first}`, 'Name a folder that does not exist yet, or an empty one.');
  return false;
}

/** A tmpfs may be swapped out, unless it is mounted noswap. */
function warnOfSwap({ say }: Session, path: string): void {
  const { devices, noswap } = readSwap(path, (file) => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return null;
    }
  });
  if (devices.length > 0 && !noswap) say.warn(`this machine swaps (${devices.join(', ')}): pages of the model may be written there; \`swapoff -a\` prevents it, and so does a tmpfs mounted noswap`);
}

async function load({ say, signal }: Session, root: ModelRoot, { model, policy, store }: Reading): Promise<void> {
  const totals = totalsOf(model.selected);
  const { freeBytes, totalBytes, blockBytes } = root.space();
  const needed = model.selected.reduce((sum, { size }) => sum + Math.ceil(size / blockBytes) * blockBytes, 0);
  needs(totalBytes === 0 || freeBytes >= needed, 'E_NO_SPACE', `${root.path} has ${sizeText(freeBytes)} free and ${model.manifest.model.name} needs ${sizeText(needed)}`,
    'Free some, make the tmpfs larger (mount -o remount,size=…), or leave files out with --exclude.');
  await root.clear();
  const target = root.stage(model.selected.map(({ path }) => path));
  await say.during({ doing: 'opening', done: 'opened' }, totals, (progress) =>
    loadFiles(model, store, target, {
      content: policy.content,
      connections: CONNECTIONS,
      observer: { verified: progress.add, fileDone: progress.fileDone, retrying: (path, error) => say.line(`${path}: asking again: ${error.message}`) },
    }, signal));
  root.publish({ digest: model.digest, patterns: policy.files, content: policy.content });
  const path = `${root.path}/${ROOT_NAMES.model}`;
  say.line(`opened: ${countText(totals.files, 'file')}, ${sizeText(totals.bytes)}; delete the folder when you are done`);
  say.result(`${path}\n${factsText(model)}`, { path, ...totals, ...factsJson(model) });
}
