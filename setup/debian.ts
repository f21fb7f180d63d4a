// The Debian packages that builds, tests and the embedded cluster call upon.
import { existsSync, readdirSync } from 'node:fs';
import { run } from './child-process.ts';
import type { Report } from './recipe.ts';

const QUERY_LIMIT_MS = 60_000;
const INSTALL_LIMIT_MS = 900_000;

/** Package -> what needs it. */
export const DEBIAN_PACKAGES: Readonly<Record<string, string>> = {
  runc: 'starts containers',
  nftables: 'kube-proxy writes its rules with nft',
  iproute2: "the cluster's network",
  mount: 'mounts of the cluster, memory file systems of tests',
  'util-linux': 'unshare, nsenter, flock, setpriv',
  procps: 'kill, ps',
  'busybox-static': 'the box image of the tests',
  binutils: 'readelf and strip, for the Node images',
  'python3-venv': 'the Python environment of the test servers',
};

/** Which of these packages the machine lacks. */
async function missing(names: readonly string[]): Promise<string[]> {
  const listed = await run('dpkg-query', ['--show', '--showformat', '${db:Status-Abbrev} ${Package}\n'], { limitMs: QUERY_LIMIT_MS });
  const installed = new Set(listed.split('\n').flatMap((line) => (line.startsWith('ii') ? [line.slice(3).trim()] : [])));
  return names.filter((name) => !installed.has(name));
}

/** Whether apt has lists of packages; a fresh container image has none. */
const listsExist = (): boolean => existsSync('/var/lib/apt/lists') && readdirSync('/var/lib/apt/lists').some((name) => name.endsWith('_Packages') || name.endsWith('_Packages.lz4'));

export async function installDebianPackages(ensurePip: boolean, report: Report): Promise<'cached' | 'made'> {
  // A Python that brings its own pip (pyenv, python.org) needs nothing of Debian's.
  const wanted = Object.keys(DEBIAN_PACKAGES).filter((name) => name !== 'python3-venv' || !ensurePip);
  const lacking = await missing(wanted);
  if (lacking.length === 0 && listsExist()) return 'cached';
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  report('apt-get update');
  await run('apt-get', ['update', '-qq'], { env, limitMs: INSTALL_LIMIT_MS });
  if (lacking.length > 0) {
    report(`apt-get install: ${lacking.map((name) => `${name} (${DEBIAN_PACKAGES[name] ?? ''})`).join(', ')}`);
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...lacking], { env, limitMs: INSTALL_LIMIT_MS });
  }
  return 'made';
}
