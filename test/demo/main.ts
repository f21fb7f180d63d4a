// `make demo`: the main job on real parts, told step by step. A real Kubernetes, S3 server, KMS server, model and inference server; nothing is
// mocked. Everything runs in namespaces of its own and stays up to be looked at until `make demo-down`. Run it again: it starts afresh.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { toolPaths } from '../../setup/tools.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { DEFAULT_NAME } from '../cluster/layout.ts';
import { startCluster } from '../cluster/lifecycle.ts';
import { MODEL_PATH, ask, plainAnswer } from '../lab/inference.ts';
import { SYSTEM_NAMESPACE, helmValues, install, loadImages } from '../lab/installation.ts';
import { startKms } from '../lab/kms.ts';
import { READER, startS3 } from '../lab/s3.ts';
import { sealArguments, weightlock } from '../lab/sealing.ts';
import { flipByte, largest, steal } from '../lab/thief.ts';
import { APP, NAMESPACE, application, lonePod } from './manifests.ts';
import { mountOf, processOf } from '../lab/processes.ts';
import { needlesOf, searchFolder } from './search.ts';
import type { Search } from './search.ts';
import { inferenceServer } from './server/image.ts';
import { teller } from './tell.ts';

const TEXT = 'Model weights are encrypted everywhere but in memory.';
const MODEL = 'all-minilm-l6-v2';
const READY_LIMIT_MS = 120_000;
const NEEDLES = 64;
const { modelFolder } = toolPaths();
const { step, command, output, good } = teller(
  (text) => process.stdout.write(text),
  () => performance.now(),
);

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: {
    readonly phase: string;
    readonly containerStatuses?: readonly { readonly ready: boolean }[];
    readonly initContainerStatuses?: readonly { readonly state: { readonly running?: object; readonly terminated?: object } }[];
  };
}
const pods = `/api/v1/namespaces/${NAMESPACE}/pods`;

async function kubectl(cluster: Cluster, ...args: string[]): Promise<string> {
  command(`kubectl ${args.join(' ')}`);
  return cluster.kubectl(args);
}

async function waitForServer(cluster: Cluster): Promise<Pod> {
  interface Pods {
    readonly items: readonly Pod[];
  }
  const newest = (list: Pods | undefined): Pod | undefined => list?.items[0];
  await cluster.until<Pods>(
    `${pods}?labelSelector=app%3D${APP}`,
    (list) => (newest(list)?.status.initContainerStatuses ?? []).some(({ state }) => state.running !== undefined || state.terminated !== undefined),
    READY_LIMIT_MS,
  );
  output(await kubectl(cluster, '--namespace', NAMESPACE, 'get', 'pods'));
  output(shortened(await kubectl(cluster, '--namespace', NAMESPACE, 'logs', `deployment/${APP}`, '--container', `weightlock-${MODEL}`, '--follow')));
  const serving = await cluster.until<Pods>(
    `${pods}?labelSelector=app%3D${APP}`,
    (list) => newest(list)?.status.containerStatuses?.every(({ ready }) => ready) ?? false,
    READY_LIMIT_MS,
  );
  const pod = newest(serving);
  if (pod === undefined) throw new Error('the Deployment has no pod');
  return pod;
}

const found = ({ hits, files, bytes }: Search): string =>
  hits.length > 0 ? `found, in ${hits.map((path) => basename(path)).join(', ')}` : `nothing in ${files} files, ${(bytes / 1e6).toFixed(0)} MB`;

async function demo(work: string): Promise<void> {
  step(
    'A Kubernetes cluster, an S3 server and a KMS server',
    'All real, in Linux namespaces of their own: this machine’s own network and disks stay as they are.',
  );
  const cluster = await startCluster(DEFAULT_NAME, { say: output });
  const [s3, kms] = await Promise.all([startS3(cluster), startKms(cluster), loadImages(cluster), cluster.loadImage(inferenceServer().archive)]);
  output(await kubectl(cluster, 'get', 'nodes'));
  good(`S3 at ${s3.origin} keeps its objects in ${s3.folder}`);
  good(`KMS at ${kms.origin}`);

  step(
    'The platform team installs the operator',
    'A Helm chart. The operator holds no key and no cloud credentials; its webhook looks only at pods that carry the label.',
  );
  command(`helm upgrade --install weightlock charts/weightlock --namespace ${SYSTEM_NAMESPACE} --create-namespace --wait`);
  await install(cluster, helmValues([s3.origin, kms.origin]));
  output(await kubectl(cluster, '--namespace', SYSTEM_NAMESPACE, 'get', 'pods'));

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
  const pod = await waitForServer(cluster);
  output(await kubectl(cluster, '--namespace', NAMESPACE, 'get', 'pods,encryptedmodels'));

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
  await cluster.until<Pod>(`${pods}/after-tampering`, (seen) => seen?.status.phase === 'Failed', READY_LIMIT_MS);
  output(excerpt(await kubectl(cluster, '--namespace', NAMESPACE, 'describe', 'pod', 'after-tampering')));
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

const figure = (value: number | undefined, unit: string): string => (value === undefined ? '' : `, ${value} ${unit}`);

/** The decryptor logs JSON, a line an event: its message and its figures are enough here. */
function shortened(log: string): string {
  const lines = log
    .trim()
    .split('\n')
    .map(
      (line) => JSON.parse(line) as { readonly level?: string; readonly message: string; readonly bytes?: number; readonly milliseconds?: number },
    );
  return lines
    .filter(({ level }) => level !== undefined)
    .map(({ message, bytes, milliseconds }) => `${message}${figure(bytes, 'bytes')}${figure(milliseconds, 'ms')}`)
    .join('\n');
}

/** The lines of `kubectl describe pod` that say what happened. */
function excerpt(described: string): string {
  const lines = described.split('\n');
  const events = lines.findIndex((line) => line.startsWith('Events:'));
  return [
    ...lines.filter((line) => /^(Name|Status):|^ {6}(Reason|Message|Exit Code):/.test(line)),
    ...lines.slice(events).filter((line) => /Warning +E_/.test(line)),
  ].join('\n');
}

const work = mkdtempSync(join(tmpdir(), 'weightlock-demo-'));
try {
  await demo(work);
} catch (error) {
  process.stdout.write(
    `\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}\nWhat is up stays up to be looked at; \`make demo\` starts afresh, \`make demo-down\` ends it.\n`,
  );
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}
