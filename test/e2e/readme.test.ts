// What the README shows for one's own cluster, pasted as it stands there. Only what a reader adds for a store that is not AWS's is put in by a stand-in for `weightlock`.
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { REPOSITORY } from '../../build/config.ts';
import type { EncryptedModel } from '../../core/api/encrypted-model.ts';
import { commandBlocks } from '../docs/command-blocks.ts';
import { helm, install, madeImages, SYSTEM_NAMESPACE } from '../lab/installation.ts';
import { PUBLISHER, REGION } from '../lab/s3.ts';
import { WEIGHTLOCK } from '../lab/sealing.ts';
import { openLab } from './lab.ts';
import { closeRoom, openRoom, pathOf, scratch, SECRET } from './room.ts';
import type { Room } from './room.ts';

const NAMESPACE = 'serving'; // the README's
let room: Room;
beforeAll(async () => {
  room = await openRoom(await openLab(), NAMESPACE);
  await helm(room.lab.cluster, ['uninstall', 'weightlock', '--namespace', SYSTEM_NAMESPACE, '--wait', '--timeout', '100s']);
}, 150_000);
afterAll(async () => {
  await install(room.lab.cluster, room.lab.values); // other files need it, with the lab's own origins
  await closeRoom(room);
}, 150_000);

/** Programs that a reader has on the path. */
function commands(folder: string): string {
  const { s3, kms } = room.lab;
  const programs = {
    kubectl: 'exec kube kubectl "$@"',
    weightlock: `exec ${WEIGHTLOCK} "$@" --s3-endpoint ${s3.origin} --path-style --kms-endpoint ${kms.origin} --secret-ref ${SECRET}`,
  };
  for (const [name, line] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${line}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

test('installs the chart, seals a model and has it taken by the cluster', async () => {
  using folder = scratch();
  mkdirSync(join(folder.path, 'bin'));
  mkdirSync(join(folder.path, 'my-model'));
  writeFileSync(join(folder.path, 'my-model/config.json'), '{"layers": 6}');
  symlinkSync(join(REPOSITORY, 'charts'), join(folder.path, 'charts'));
  const { operator, 'init-decryptor': decryptor } = madeImages();
  const blocks = commandBlocks(readFileSync(join(REPOSITORY, 'README.md'), 'utf8')).filter(({ proof }) => proof.kind === 'cluster');
  expect(blocks).toHaveLength(2);

  const env = {
    REGISTRY: operator.pinned.split('/')[0] ?? '',
    OPERATOR_DIGEST: operator.digest,
    DECRYPTOR_DIGEST: decryptor.digest,
    BUCKET: room.bucket,
    KEY_ARN: room.keyArn,
    AWS_ACCESS_KEY_ID: PUBLISHER.accessKeyId,
    AWS_SECRET_ACCESS_KEY: PUBLISHER.secretAccessKey,
    AWS_REGION: REGION,
  };
  for (const { script } of blocks) {
    const pasted = `export PATH="${commands(join(folder.path, 'bin'))}:$PATH"\n${script}`;
    await room.lab.cluster.exec('bash', ['-euo', 'pipefail', '-c', pasted], { cwd: folder.path, env, limitMs: 180_000 });
  }
  // The README's installation lists no http origins, so this model is not Ready here, and says so; on AWS there is nothing to list.
  const model = await room.lab.cluster.until<EncryptedModel>(
    pathOf(NAMESPACE, 'encryptedmodels', 'my-model-1'),
    (seen) => (seen?.status?.conditions ?? []).length > 0,
    60_000,
  );
  expect(model).toMatchObject({ spec: { model: { name: 'acme/my-model', version: '2026.11.2' } } });
}, 300_000);
