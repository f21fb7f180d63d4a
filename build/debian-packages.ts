// Files of Debian packages without installing them: downloaded through apt (which checks their signatures), unpacked, cached by version.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cached, contentKey } from './cache.ts';

const DOWNLOAD_LIMIT_MS = 120_000;
const UNPACK_LIMIT_MS = 60_000;

/** apt's lists of packages are missing, or older than what its servers hold: `refreshLists` and try again. */
export class StaleLists extends Error {
  override readonly name = 'StaleLists';
}

export function refreshLists(): void {
  execFileSync('apt-get', ['update', '-qq'], { timeout: DOWNLOAD_LIMIT_MS, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** `name=version` of what apt would install, in the order given. Throws StaleLists where apt knows none. */
export function candidates(names: readonly string[]): string[] {
  const policy = execFileSync('apt-cache', ['policy', ...names], { encoding: 'utf8', timeout: UNPACK_LIMIT_MS });
  const versions = new Map([...policy.matchAll(/^(\S+):\n(?:.*\n)*?\s+Candidate: (\S+)$/gm)].map((found) => [found[1], found[2]]));
  return names.map((name) => {
    const version = versions.get(name);
    if (version === undefined || version === '(none)') throw new StaleLists(`apt knows no package ${name}: run \`apt-get update\``);
    return `${name}=${version}`;
  });
}

/** A folder with the files of these packages (`candidates`) under their installed paths. Throws StaleLists where they cannot be had. */
export function unpacked(packages: readonly string[]): string {
  return cached('debian', contentKey(...packages), (folder) => {
    const archives = join(folder, '.archives');
    mkdirSync(archives);
    // apt would drop to its own user, who may not write here.
    const { status, stderr } = spawnSync('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', ...packages], {
      cwd: archives,
      timeout: DOWNLOAD_LIMIT_MS,
      encoding: 'utf8',
    });
    if (status !== 0) throw new StaleLists(`apt-get cannot download ${packages.join(' ')}: ${stderr}`);
    for (const archive of readdirSync(archives).sort())
      execFileSync('dpkg-deb', ['-x', join(archives, archive), folder], { timeout: UNPACK_LIMIT_MS });
  });
}
