// The images as a node would run them: unpacked, and started without anything of this machine but the kernel.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BLAKE3_ADDON } from '../../build/bundle.ts';
import { nodeRootfs } from '../../build/node-rootfs.ts';
import type { ImageReference } from '../../build/oci-archive.ts';
import { IMAGE_PROGRAMS, programImage } from '../../build/program-image.ts';
import type { ImageProgram } from '../../build/program-image.ts';

/** By its path: it is looked up with the child's own environment, which is empty here. */
const CHROOT = '/usr/sbin/chroot';
const ENTRYPOINT = ['/usr/bin/node', '--disable-warning=ExperimentalWarning', '/app/main.mjs'];
const work = mkdtempSync(join(tmpdir(), 'weightlock-images-'));
const made = new Map<ImageProgram, ImageReference>();
const base = nodeRootfs([BLAKE3_ADDON]);
beforeAll(async () => {
  for (const program of IMAGE_PROGRAMS) made.set(program, await programImage(program, work, base, join(work, `${program}.tar`)));
}, 120_000);
afterAll(() => rmSync(work, { recursive: true, force: true }));

const member = (archive: string, path: string): Buffer => execFileSync('tar', ['-xOf', archive, path], { maxBuffer: 1 << 28 });
const blobOf = (program: ImageProgram, digest: string): Buffer =>
  member(join(work, `${program}.tar`), `blobs/sha256/${digest.slice('sha256:'.length)}`);

interface Manifest {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
}
function manifestOf(program: ImageProgram): Manifest {
  return JSON.parse(blobOf(program, made.get(program)?.digest ?? '').toString()) as Manifest;
}

function unpack(program: ImageProgram): string {
  const root = join(work, `${program}-root`);
  mkdirSync(root);
  for (const { digest } of manifestOf(program).layers) {
    writeFileSync(join(work, 'layer.tar'), gunzipSync(blobOf(program, digest)));
    execFileSync('tar', ['-xpf', join(work, 'layer.tar'), '-C', root]);
  }
  return root;
}

describe.each(IMAGE_PROGRAMS)('the image of %s', (program) => {
  test('has the same digest when built again', async () => {
    const again = await programImage(program, join(work, 'again'), base, join(work, 'again.tar'));
    expect(again).toEqual(made.get(program));
  }, 60_000);

  test('names a numeric user that is not root, and runs Node on the bundle', () => {
    const { config } = JSON.parse(blobOf(program, manifestOf(program).config.digest).toString()) as {
      config: { User: string; Entrypoint: string[] };
    };
    expect(config).toMatchObject({ User: '65532:65532', Entrypoint: ENTRYPOINT });
  });

  test('starts with nothing else in reach, as that user, and holds no shell, no package manager, no node_modules', () => {
    const root = unpack(program);
    const files = execFileSync('find', ['.', '-type', 'f'], { cwd: root, encoding: 'utf8' }).split('\n');
    expect(files.filter((path) => /\/(ba|da|z|k)?sh$|busybox|\/(apt|dpkg|npm|npx|yarn)\b|node_modules/.test(path))).toEqual([]);
    expect(files.filter((path) => path.startsWith('./usr/bin/') || path.startsWith('./bin/'))).toEqual(['./usr/bin/node']);
    expect(execFileSync('find', ['.', '-perm', '/6000', '-o', '-type', 'f', '-perm', '/0022'], { cwd: root, encoding: 'utf8' })).toBe('');
    // Without its configuration each program refuses, in words: it was loaded, with all its libraries.
    const { status, stderr, stdout } = spawnSync(CHROOT, ['--userspec', '65532:65532', root, ...ENTRYPOINT], {
      encoding: 'utf8',
      env: {},
      timeout: 20_000,
    });
    expect(status).not.toBe(0);
    expect(stdout + stderr).toMatch(/WEIGHTLOCK_/);
    expect(stdout + stderr).not.toMatch(/ERR_MODULE_NOT_FOUND|error while loading shared libraries|SyntaxError/);
  });

  test('decrypts with the engine that works in place', () => {
    const script =
      "process.stdout.write(String(process.getBuiltinModule('node:ffi').dlopen(null, { EVP_aes_256_gcm: { return: 'pointer', arguments: [] } }).functions.EVP_aes_256_gcm() > 0n))";
    expect(
      execFileSync(CHROOT, ['--userspec', '65532:65532', join(work, `${program}-root`), '/usr/bin/node', '-e', script], {
        encoding: 'utf8',
        env: {},
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    ).toBe('true');
  });
});

test("the decryptor's image loads the native digest library", () => {
  const script = "const { blake3 } = require('/app/blake.linux-x64-gnu.node'); process.stdout.write(blake3(Buffer.alloc(0)).toString('hex'))";
  const digest = execFileSync(CHROOT, ['--userspec', '65532:65532', join(work, 'init-decryptor-root'), '/usr/bin/node', '-e', script], {
    encoding: 'utf8',
    env: {},
  });
  expect(digest).toBe('af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262'); // BLAKE3 of nothing (BLAKE3 test vectors)
});

test('the Dockerfiles, the other road to the same images, agree on the user and the entry point', () => {
  for (const program of IMAGE_PROGRAMS) {
    const dockerfile = readFileSync(join(import.meta.dirname, '../..', program, 'Dockerfile'), 'utf8');
    expect(dockerfile).toContain('USER 65532:65532');
    expect(dockerfile).toContain(`ENTRYPOINT ${JSON.stringify(ENTRYPOINT).replaceAll(',', ', ')}`);
    expect(dockerfile).toContain(`dist/${program}`);
  }
});
