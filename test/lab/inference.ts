// The real model and its server: as a pod on the cluster, and as a plain process beside the plain folder, to compare their answers.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { toolPaths } from '../../setup/tools.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { inferenceServer } from '../demo/server/image.ts';

export const MODEL_PATH = '/models';
export const SERVER_PORT = 8080;
const ANSWER_LIMIT_MS = 30_000;

export type Embeddings = readonly (readonly number[])[];

/** The server's container: it knows nothing of encryption, and reads a folder. */
export function serverContainer(name = 'server'): object {
  return {
    name,
    image: inferenceServer().image.pinned,
    args: [MODEL_PATH, `0.0.0.0:${SERVER_PORT}`],
    ports: [{ name: 'http', containerPort: SERVER_PORT }],
    readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 1 },
    resources: { requests: { cpu: '100m', memory: '320Mi' }, limits: { memory: '640Mi' } },
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
  };
}

const ASK = `
const body = await new Response(process.stdin).text();
const answer = await fetch(process.argv[1], { method: 'POST', body, signal: AbortSignal.timeout(20000) });
process.stdout.write(await answer.text());
process.exitCode = answer.ok ? 0 : 1;`;

/** POST /embed at `origin`, which is reachable inside the cluster. */
export async function ask(cluster: Cluster, origin: string, inputs: readonly string[]): Promise<Embeddings> {
  const answer = await cluster.exec(process.execPath, ['--input-type=module', '-e', ASK, `${origin}/embed`], {
    input: JSON.stringify({ inputs }),
    limitMs: ANSWER_LIMIT_MS,
  });
  return JSON.parse(answer) as Embeddings;
}

/** What the same program answers from the plain folder, outside of any cluster. */
export async function plainAnswer(inputs: readonly string[]): Promise<Embeddings> {
  const server = spawn(process.execPath, [inferenceServer().program, toolPaths().modelFolder, '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 4 * ANSWER_LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  try {
    for await (const line of createInterface(server.stdout)) {
      const origin = / on (http:\S+);/.exec(line)?.[1];
      if (origin === undefined) continue;
      const answer = await fetch(`${origin}/embed`, {
        method: 'POST',
        body: JSON.stringify({ inputs }),
        signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      });
      return (await answer.json()) as Embeddings;
    }
    throw new Error('the inference server ended before it listened');
  } finally {
    server.kill('SIGKILL');
  }
}
