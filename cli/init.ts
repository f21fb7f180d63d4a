// `weightlock init`: a local key to try things with, no cloud account needed.
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createLocalKey, LOCAL_KEY_NOTICE } from '../core/keys/local-file.ts';
import { WeightlockError } from '../core/errors.ts';
import { command } from './command.ts';

export const init = command(
  {
    name: 'init',
    usage: '[PATH]',
    about: 'Makes a local key: a file of 32 random bytes that stands in for a key service while you try things.\nIt is never written over an existing file.',
    positionals: [{ name: 'PATH', optional: true, about: 'where to put it (default: weightlock/local.key in $XDG_CONFIG_HOME or ~/.config)' }],
    options: {},
    examples: [{ does: 'a key in this folder', line: 'weightlock init ./try.key' }],
  },
  async ({ say, environment }, { positionals }) => {
    const path = resolve(positionals[0] ?? join(environment.configFolder, 'local.key'));
    if (positionals[0] === undefined) {
      await mkdir(environment.configFolder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
        throw new WeightlockError('E_IO', `cannot make the folder ${environment.configFolder}`, { next: 'Name a path you may write to: weightlock init PATH.', cause: error });
      });
    }
    const id = await createLocalKey(path);
    say.warn(LOCAL_KEY_NOTICE);
    say.line(`Next: weightlock seal DIR file:///SOMEWHERE --key local-file:${path} --name ORG/MODEL --version 1`);
    say.result(`${path}\n${id}`, { path, id, key: `local-file:${path}` });
  },
);
