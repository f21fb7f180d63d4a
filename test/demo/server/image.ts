// The inference server as a folder that runs anywhere, and as an image: non-root, no shell, nothing but Node, the bundle and ONNX Runtime.
import { chmodSync, cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildSync } from 'esbuild';
import { cached, contentKey } from '../../../build/cache.ts';
import { NONROOT, nodeRootfs } from '../../../build/node-rootfs.ts';
import { layerOf, writeOciArchive } from '../../../build/oci-archive.ts';
import type { ImageReference } from '../../../build/oci-archive.ts';
import { toolPaths } from '../../../setup/tools.ts';

const SOURCES = import.meta.dirname;
/** What of the packages is needed at run time; the tokenizer is part of the bundle. */
const RUNTIME = ['onnxruntime-node/package.json', 'onnxruntime-node/dist', 'onnxruntime-node/bin', 'onnxruntime-common/package.json', 'onnxruntime-common/dist/cjs'];
const REPOSITORY_NAME = 'localhost/minilm-server';

export interface InferenceServer {
  /** `node PROGRAM MODEL_FOLDER [HOST:PORT]` outside of any container: the same bytes as in the image. */
  readonly program: string;
  readonly archive: string;
  readonly image: ImageReference;
}

/** The server, built on first use and cached by the content of its sources, packages and base. */
export function inferenceServer(): InferenceServer {
  const { inferenceFolder } = toolPaths();
  const packages = join(inferenceFolder, 'node_modules');
  const base = nodeRootfs([join(packages, 'onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1')]);
  const sources = readdirSync(SOURCES).filter((file) => file.endsWith('.ts')).sort();
  const key = contentKey(base.layer.digest, basename(inferenceFolder), ...sources.map((file) => readFileSync(join(SOURCES, file))));
  const made = cached('inference-server', key, (folder) => {
    const app = join(folder, 'root/app');
    mkdirSync(app, { recursive: true });
    buildSync({
      entryPoints: [join(SOURCES, 'main.ts')],
      outfile: join(app, 'server.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node26',
      external: ['onnxruntime-node'],
      nodePaths: [packages],
      legalComments: 'inline',
    });
    for (const path of RUNTIME) cpSync(join(packages, path), join(app, 'node_modules', path), { recursive: true, filter: (from) => !/\.(map|d\.ts)$/.test(from) });
    for (const entry of readdirSync(app, { recursive: true, withFileTypes: true })) chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
    const image = writeOciArchive(join(folder, 'image.tar'), {
      name: `${REPOSITORY_NAME}:${key.slice(0, 12)}`,
      layers: [base.layer, layerOf(join(folder, 'root'))],
      config: { Entrypoint: ['/usr/bin/node', '/app/server.mjs'], User: NONROOT, WorkingDir: '/', Env: ['NODE_ENV=production'] },
    });
    writeFileSync(join(folder, 'image.json'), JSON.stringify(image));
  });
  return { program: join(made, 'root/app/server.mjs'), archive: join(made, 'image.tar'), image: JSON.parse(readFileSync(join(made, 'image.json'), 'utf8')) as ImageReference };
}
