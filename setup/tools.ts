// Where every program and file lies that `make setup` provides: how tests and the demo find them. Pure: nothing here looks whether they exist.
import { join } from 'node:path';
import { cni, containerd, helm, inference, kubernetes, minilm, pause, python, versitygw } from './recipes.ts';
import { folderOf } from './recipe.ts';

export interface ToolPaths {
  /** S3 server: `versitygw --port 127.0.0.1:P --quiet posix DIR`. */
  readonly versitygw: string;
  /** Python with the packages of setup/requirements.txt. */
  readonly python: string;
  /** KMS server: `BIND_HOST=127.0.0.1 GATEWAY_PORT=P ministack`. */
  readonly ministack: string;
  /** KMS and S3 control-plane server: `moto_server -H 127.0.0.1 -p P`. */
  readonly motoServer: string;
  /** Kubernetes; the first argument names the component (`kubectl`, `kubelet`, …). */
  readonly kube: string;
  readonly helm: string;
  /** Holds containerd, containerd-shim-runc-v2 and ctr. */
  readonly containerdFolder: string;
  readonly cniFolder: string;
  readonly pause: string;
  /** sentence-transformers/all-MiniLM-L6-v2: model.safetensors, model.onnx (the graph; its weights are the safetensors'), tokenizer.json, config.json, … */
  readonly modelFolder: string;
  /** A folder with `node_modules` of the demo's inference server: onnxruntime-node for linux/x64 and a tokenizer. */
  readonly inferenceFolder: string;
}

export function toolPaths(): ToolPaths {
  return {
    versitygw: join(folderOf(versitygw), 'versitygw'),
    python: join(folderOf(python), 'bin/python'),
    ministack: join(folderOf(python), 'bin/ministack'),
    motoServer: join(folderOf(python), 'bin/moto_server'),
    kube: join(folderOf(kubernetes), 'kube'),
    helm: join(folderOf(helm), 'helm'),
    containerdFolder: folderOf(containerd),
    cniFolder: folderOf(cni),
    pause: join(folderOf(pause), 'pause'),
    modelFolder: folderOf(minilm),
    inferenceFolder: folderOf(inference),
  };
}
