import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { layerOf, writeOciArchive } from '../../build/oci-archive.ts';

let work = '';
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'weightlock-oci-'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

/** A folder with everything that a tar archive can get wrong. */
function sampleFolder(name: string): string {
  const root = join(work, name);
  const deep = join(root, 'a'.repeat(60), 'b'.repeat(60));
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, 'c'.repeat(60)), 'deep');
  writeFileSync(join(root, 'program'), 'x'.repeat(1000));
  chmodSync(join(root, 'program'), 0o755);
  writeFileSync(join(root, 'empty'), '');
  writeFileSync(join(root, 'block'), Buffer.alloc(512, 1));
  symlinkSync('program', join(root, 'link'));
  mkdirSync(join(root, 'tmp'));
  chmodSync(join(root, 'tmp'), 0o1777);
  return root;
}
const image = (folder: string) => ({ name: 'localhost/try:1', layers: [layerOf(folder)], config: { Entrypoint: ['/program'], User: '65532:65532' } });
const member = (archive: string, path: string): Buffer => execFileSync('tar', ['-xOf', archive, path], { maxBuffer: 1 << 26 });
const sha256 = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const blob = (archive: string, digest: string): Buffer => member(archive, `blobs/sha256/${digest.slice('sha256:'.length)}`);

/** Every name with its kind, mode and link, and a file's size. */
const listing = (root: string): string =>
  execFileSync('find', ['.', '-mindepth', '1', '-type', 'd', '-printf', '%p d %m\\n', '-o', '-printf', '%p %y %m %l %s\\n'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .sort()
    .join('\n');

describe('an image archive', () => {
  test('has the same bytes whenever and wherever it is made', () => {
    const [one, two] = [sampleFolder('one'), sampleFolder('two')];
    utimesSync(join(two, 'program'), 1, 1);
    const first = writeOciArchive(join(work, 'one.tar'), image(one));
    const second = writeOciArchive(join(work, 'two.tar'), image(two));
    expect(second).toEqual(first);
    expect(readFileSync(join(work, 'two.tar')).equals(readFileSync(join(work, 'one.tar')))).toBe(true);
  });

  test('has another digest when a byte or a mode changes', () => {
    const folder = sampleFolder('one');
    const { digest } = writeOciArchive(join(work, 'one.tar'), image(folder));
    chmodSync(join(folder, 'program'), 0o700);
    const changed = writeOciArchive(join(work, 'two.tar'), image(folder)).digest;
    expect(changed).not.toBe(digest);
    writeFileSync(join(folder, 'block'), Buffer.alloc(512, 2));
    expect(writeOciArchive(join(work, 'three.tar'), image(folder)).digest).not.toBe(changed);
  });

  test('is an OCI image layout whose every descriptor fits its blob', () => {
    const archive = join(work, 'one.tar');
    const { digest } = writeOciArchive(archive, image(sampleFolder('one')));
    expect(JSON.parse(member(archive, 'oci-layout').toString())).toEqual({ imageLayoutVersion: '1.0.0' });
    const manifestBytes = blob(archive, digest);
    expect(sha256(manifestBytes)).toBe(digest);
    const manifest = JSON.parse(manifestBytes.toString()) as Record<'config', { digest: string; size: number }> & {
      layers: { digest: string; size: number }[];
    };
    for (const { digest: of, size } of [manifest.config, ...manifest.layers]) {
      expect(sha256(blob(archive, of))).toBe(of);
      expect(blob(archive, of)).toHaveLength(size);
    }
    const config = JSON.parse(blob(archive, manifest.config.digest).toString()) as { config: object; rootfs: { diff_ids: string[] } };
    expect(config.config).toEqual({ Entrypoint: ['/program'], User: '65532:65532' });
    expect(config.rootfs.diff_ids).toEqual(manifest.layers.map((layer) => sha256(gunzipSync(blob(archive, layer.digest)))));
  });

  test('goes by its name and by its digest', () => {
    const archive = join(work, 'one.tar');
    const { name, digest, pinned } = writeOciArchive(archive, image(sampleFolder('one')));
    expect([name, pinned]).toEqual(['localhost/try:1', `localhost/try@${digest}`]);
    const index = JSON.parse(member(archive, 'index.json').toString()) as { manifests: { digest: string; annotations: Record<string, string> }[] };
    expect(index.manifests.map(({ digest: of, annotations }) => [of, annotations['io.containerd.image.name']])).toEqual([
      [digest, name],
      [digest, pinned],
    ]);
  });

  test('holds a layer that tar unpacks to the same files, owned by root', () => {
    const folder = sampleFolder('one');
    writeFileSync(join(work, 'layer.tar'), gunzipSync(layerOf(folder).blob));
    mkdirSync(join(work, 'out'));
    execFileSync('tar', ['-xpf', join(work, 'layer.tar'), '-C', join(work, 'out')]);
    expect(listing(join(work, 'out'))).toBe(listing(folder));
    execFileSync('diff', ['-r', folder, join(work, 'out')]);
    expect(
      execFileSync('tar', ['-tvf', join(work, 'layer.tar')], { encoding: 'utf8' })
        .split('\n')
        .filter((line) => line !== '' && !line.includes(' 0/0 ')),
    ).toEqual([]);
  });

  test('refuses a name that the format cannot hold, and leaves nothing behind', () => {
    const folder = join(work, 'long');
    mkdirSync(folder);
    writeFileSync(join(folder, 'n'.repeat(101)), '');
    expect(() => layerOf(folder)).toThrow('too long a name');
  });
});
