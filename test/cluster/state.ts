// Writes a cluster's state folder as it is before its first process runs: credentials, configuration, images.
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toolPaths } from '../../setup/tools.ts';
import { writeCredentials } from './credentials.ts';
import { clusterImages } from './images.ts';
import { NODE_ADDRESS, NODE_NAME, PODS, SERVICES } from './layout.ts';

const TEMPLATES = join(import.meta.dirname, 'node');
/** Template -> its place under config/. */
const CONFIGURATION = { 'containerd.toml': 'containerd.toml', 'kubelet.yaml': 'kubelet.yaml', 'kube-proxy.yaml': 'kube-proxy.yaml', 'pods.conflist': 'cni/pods.conflist' } as const;

function filled(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`a template of the cluster names {{${name}}}, which nothing fills in`);
    return value;
  });
}

export async function writeState(state: string): Promise<void> {
  for (const folder of ['config/cni', 'home', 'images', 'logs', 'pod-logs']) mkdirSync(join(state, folder), { recursive: true });
  const values = { state, cni: toolPaths().cniFolder, pods: PODS };
  for (const [template, place] of Object.entries(CONFIGURATION)) writeFileSync(join(state, 'config', place), filled(readFileSync(join(TEMPLATES, template), 'utf8').replace(/^# \{\{….*\n/, ''), values));
  writeFileSync(join(state, 'config/addresses'), `node=${NODE_NAME} node_address=${NODE_ADDRESS} services=${SERVICES}\n`);
  const images = clusterImages();
  for (const archive of readdirSync(images)) copyFileSync(join(images, archive), join(state, 'images', archive));
  await writeCredentials(join(state, 'credentials'));
}
