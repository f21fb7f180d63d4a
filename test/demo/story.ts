// What the demo does and says, from an empty machine to a refused model. Each step fails loudly: nothing is told that was not seen.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toolPaths } from '../../setup/tools.ts';
import { DEFAULT_NAME } from '../cluster/layout.ts';
import { startCluster } from '../cluster/lifecycle.ts';
import { MODEL_PATH, ask, plainAnswer } from '../lab/inference.ts';
import { SYSTEM_NAMESPACE, helmValues, install, loadImages } from '../lab/installation.ts';
import { startKms } from '../lab/kms.ts';
import { mountOf, processOf } from '../lab/processes.ts';
import { READER, startS3 } from '../lab/s3.ts';
import { sealArguments, weightlock } from '../lab/sealing.ts';
import { flipByte, largest, steal } from '../lab/thief.ts';
import { APP, NAMESPACE, application, lonePod } from './manifests.ts';
import { needlesOf, searchFolder } from './search.ts';
import { inferenceServer } from './server/image.ts';
import type { Teller } from './tell.ts';
import { loadBegan, refused, serverReady } from './waiting.ts';
import { excerpt, found, shortened } from './wording.ts';

const TEXT = 'Model weights are encrypted everywhere but in memory.';
const MODEL = 'all-minilm-l6-v2';
const NEEDLES = 64;
const { modelFolder } = toolPaths();

/** `work`: an empty folder for what the model owner writes. */
export async function tellStory({ step, command, output, good }: Teller, work: string): Promise<void> {
  step(
    'A Kubernetes cluster, an S3 server and a KMS server',
    'All real, in Linux namespaces of their own: this machine’s own network and disks stay as they are.',
  );
  const cluster = await startCluster(DEFAULT_NAME, { say: output });
  const kubectl = (...args: string[]): Promise<string> => {
    command(`kubectl ${args.join(' ')}`);
    return cluster.kubectl(args);
  };
  const inDemo = (...args: string[]): Promise<string> => kubectl('--namespace', NAMESPACE, ...args);
  const [s3, kms] = await Promise.all([startS3(cluster), startKms(cluster), loadImages(cluster), cluster.loadImage(inferenceServer().archive)]);
  output(await kubectl('get', 'nodes'));
  good(`S3 at ${s3.origin} keeps its objects in ${s3.folder}`);
  good(`KMS at ${kms.origin}`);

  step(
    'The platform team installs the operator',
    'A Helm chart. The operator holds no key and no cloud credentials; its webhook looks only at pods that carry the label.',
  );
  command(`helm upgrade --install weightlock charts/weightlock --namespace ${SYSTEM_NAMESPACE} --create-namespace --wait`);
  await install(cluster, helmValues([s3.origin, kms.origin]));
  output(await kubectl('--namespace', SYSTEM_NAMESPACE, 'get', 'pods'));

  step('The model owner seals the model', 'Every file is encrypted under a fresh data key; the KMS wraps that key; the store gets ciphertext only.');
  await cluster.kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait']);
  const bucket = `demo-${Date.now().toString(36)}`;
  await s3.createBucket(bucket, true);
  const keyArn = await kms.createKey();
  const emit = join(work, 'model.yaml');
  const request = {
    folder: modelFolder,
    bucket,
    prefix: MODEL,
    keyArn,
    name: `sentence-transformers/${MODEL}`,
    version: '1',
    namespace: NAMESPACE,
    secret: 'store-credentials',
    s3: s3.origin,
    kms: kms.origin,
    more: ['--emit-name', MODEL],
  };
  command(`weightlock ${sealArguments(request, 'model.yaml').join(' ')}`);
  output(await weightlock(cluster, sealArguments(request, emit)));
  command('cat model.yaml');
  output(readFileSync(emit, 'utf8'));

  step(
    'The app team serves it',
    'A namespace with Pod Security “restricted”, the credentials to read the store, the object above, and a Deployment with one label and one annotation.',
  );
  const namespace = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  };
  await cluster.apply(JSON.stringify(namespace));
  await cluster.apply(
    JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'store-credentials', namespace: NAMESPACE }, stringData: { ...READER } }),
  );
  command('kubectl apply --filename model.yaml');
  output(await cluster.apply(readFileSync(emit, 'utf8')));
  command('kubectl apply --filename app.yaml   # the template of its pods:');
  output(`metadata:\n  labels: {weightlock.dev/inject: "true"}\n  annotations: {weightlock.dev/models: "${MODEL}=${MODEL_PATH}"}`);
  output(await cluster.apply(application(MODEL)));
  await loadBegan(cluster);
  output(await inDemo('get', 'pods'));
  output(shortened(await inDemo('logs', `deployment/${APP}`, '--container', `weightlock-${MODEL}`, '--follow')));
  const pod = await serverReady(cluster);
  output(await inDemo('get', 'pods,encryptedmodels'));

  step(
    'It answers, exactly as the plain model does',
    'The same server program, once in the pod on the decrypted model, once here beside the plain folder.',
  );
  const service = (await cluster.get(`/api/v1/namespaces/${NAMESPACE}/services/${APP}`)) as { spec: { clusterIP: string } };
  const origin = `http://${service.spec.clusterIP}`;
  command(`curl --data '{"inputs": ["${TEXT}"]}' ${origin}/embed`);
  const [sealed, plain] = await Promise.all([ask(cluster, origin, [TEXT]), plainAnswer([TEXT])]);
  output(`[[${(sealed[0] ?? []).slice(0, 6).join(', ')}, … ${sealed[0]?.length ?? 0} numbers]]`);
  if (JSON.stringify(sealed) !== JSON.stringify(plain)) throw new Error('the pod answers otherwise than the plain model');
  good('equal to the plain model’s answer, every digit');

  step('The plaintext lies in memory and nowhere else', `${NEEDLES} pieces of the plain weights are looked for, byte for byte.`);
  const needles = needlesOf(join(modelFolder, 'model.safetensors'), NEEDLES);
  const pid = processOf(pod.metadata.uid, 'server.mjs');
  if (pid === undefined) throw new Error('the server’s process is not to be found');
  const inPod = searchFolder(`/proc/${pid}/root${MODEL_PATH}`, needles);
  output(`in the pod’s own volume:               ${found(inPod)}\n  ${mountOf(pid, MODEL_PATH)}`);
  const onDisk = [
    ['in the S3 server’s folder:          ', s3.folder],
    ['in the cluster’s whole state folder:', cluster.stateFolder],
  ] as const;
  for (const [where, folder] of onDisk) {
    const search = searchFolder(folder, needles);
    output(`${where}  ${found(search)}`);
    if (search.hits.length > 0) throw new Error(`plaintext on disk: ${search.hits.join(', ')}`);
  }
  if (inPod.hits.length === 0) throw new Error('the search does not find the plaintext even where it is: it proves nothing');
  good('found in a tmpfs that never swaps, and in no file on disk');

  step('Somebody changes one bit of ciphertext in the store', 'The next pod that loads it must refuse: its server never starts.');
  const target = largest(steal(s3, bucket, MODEL));
  flipByte(target);
  output(`one bit changed in the middle of ${target}`);
  await cluster.apply(lonePod(MODEL, 'after-tampering'));
  await refused(cluster, 'after-tampering');
  output(excerpt(await inDemo('describe', 'pod', 'after-tampering')));
  flipByte(target);
  good('refused; the bit is put back, and the pod that served before serves on');

  step('What to look at next', 'Everything stays up until `make demo-down`.');
  const here = `test/cluster/cluster kubectl ${DEFAULT_NAME}`;
  output(
    [
      `${here} --namespace ${NAMESPACE} describe encryptedmodel ${MODEL}`,
      `${here} --namespace ${NAMESPACE} get pods --output yaml            # what the webhook added`,
      `${here} --namespace ${NAMESPACE} rollout restart deployment/${APP}  # loads it again`,
      `${here} --namespace ${SYSTEM_NAMESPACE} logs deployment/weightlock-operator --all-pods`,
      `test/cluster/cluster exec ${DEFAULT_NAME} curl ${origin}/embed --data '{"inputs": ["hello"]}'   # the cluster's addresses exist inside only`,
      'bin/weightlock --help',
      'docs/operations.md, docs/pods.md, docs/architecture.md, docs/format.md',
    ].join('\n'),
  );
}
