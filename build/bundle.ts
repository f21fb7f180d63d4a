// A program and everything it imports as a few ES modules: no node_modules at run time. What the program imports lazily stays a file of its
// own, loaded when first used (the AWS SDK costs 100 ms that `weightlock --help` must not pay).
import { copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';
import { REPOSITORY } from './config.ts';

export const PROGRAMS = ['cli', 'init-decryptor', 'operator'] as const;
export type Program = (typeof PROGRAMS)[number];

/** BLAKE3 in native code, for the one platform the images are for. */
export const BLAKE3_ADDON = join(REPOSITORY, 'node_modules/@napi-rs/blake-hash-linux-x64-gnu/blake.linux-x64-gnu.node');

/**
 * `@napi-rs/blake-hash` finds its addon by trying a list of packages, running ldd and following an environment variable: nothing for a
 * program that holds keys. In a bundle its name stands for the addon beside the bundle, and for nothing else.
 */
const blake3Addon: Plugin = {
  name: 'blake3-addon',
  setup(bundler) {
    bundler.onResolve({ filter: /^@napi-rs\/blake-hash$/ }, ({ path }) => ({ path, namespace: 'blake3-addon' }));
    bundler.onLoad({ filter: /.*/, namespace: 'blake3-addon' }, () => ({
      contents: `import { createRequire } from 'node:module';
        const addon = createRequire(import.meta.url)('./${basename(BLAKE3_ADDON)}');
        export const { blake3, Blake3Hasher } = addon;
        export default addon;`,
    }));
  },
};

export interface Bundle {
  readonly folder: string;
  /** The program itself, for `node`. */
  readonly main: string;
  /** Of the modules loaded at start, and of all files. */
  readonly startBytes: number;
  readonly bytes: number;
}

/** Bundles `program` into `folder`, which appears complete or not at all. Needs `<program>/main.ts`. */
export async function bundle(program: Program, folder: string): Promise<Bundle> {
  const making = `${folder}.making`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  const { metafile } = await build({
    absWorkingDir: REPOSITORY,
    entryPoints: { main: join(program, 'main.ts') },
    outdir: making,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    // Some dependencies are CommonJS and call require for Node's own modules.
    banner: { js: `import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);` },
    minifyWhitespace: true,
    minifySyntax: true, // but names are kept: a stack trace from a cluster must say something
    legalComments: 'linked',
    metafile: true,
    logLevel: 'warning',
    plugins: [blake3Addon],
  });
  if (Object.keys(metafile.inputs).some((input) => input.startsWith('blake3-addon:')))
    copyFileSync(BLAKE3_ADDON, join(making, basename(BLAKE3_ADDON)));
  rmSync(folder, { recursive: true, force: true });
  renameSync(making, folder);

  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output]));
  const atStart = new Set<string>();
  for (const wanted = ['main.mjs']; wanted.length > 0;) {
    const name = wanted.pop() ?? '';
    if (atStart.has(name)) continue;
    atStart.add(name);
    wanted.push(
      ...(outputs.get(name)?.imports ?? [])
        .filter(({ kind, external }) => kind === 'import-statement' && external !== true)
        .map(({ path }) => basename(path)),
    );
  }
  const startBytes = [...atStart].reduce((sum, name) => sum + (outputs.get(name)?.bytes ?? 0), 0);
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  return { folder, main: join(folder, 'main.mjs'), startBytes, bytes };
}
