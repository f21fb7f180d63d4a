// `make demo`: the main job on real parts, told step by step. A real Kubernetes, S3 server, KMS server, model and inference server; nothing is
// mocked. Everything runs in namespaces of its own and stays up to be looked at until `make demo-down`. Run it again: it starts afresh.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tellStory } from './story.ts';
import { teller } from './tell.ts';

const work = mkdtempSync(join(tmpdir(), 'weightlock-demo-'));
try {
  await tellStory(
    teller(
      (text) => process.stdout.write(text),
      () => performance.now(),
    ),
    work,
  );
} catch (error) {
  const why = error instanceof Error ? error.message : String(error);
  process.stdout.write(`\nThe demo stopped: ${why}\nWhat is up stays up to be looked at; \`make demo\` starts afresh, \`make demo-down\` ends it.\n`);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}
