// The chart as Helm renders it: the same program that a platform team runs.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { REPOSITORY } from '../../build/config.ts';
import { toolPaths } from '../../setup/tools.ts';

export const CHART = join(REPOSITORY, 'charts/weightlock');
export const NAMESPACE = 'weightlock-system';
export const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

/** The least that the chart needs to be told. */
export const NEEDED = ['operator', 'decryptor'].flatMap((image) => [
  '--set',
  `image.${image}.repository=registry.example/weightlock/${image}`,
  '--set',
  `image.${image}.digest=${DIGEST}`,
]);

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly annotations?: Record<string, string> };
  readonly [member: string]: unknown;
}

const LIMIT_MS = 60_000;

export const renderText = (...settings: string[]): string =>
  execFileSync(toolPaths().helm, ['template', 'try', CHART, '--namespace', NAMESPACE, ...settings], { encoding: 'utf8', timeout: LIMIT_MS });

export const render = (...settings: string[]): Manifest[] =>
  parseAllDocuments(renderText(...NEEDED, ...settings))
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);

/** What Helm says when it refuses; fails when it does not. */
export function refusal(...settings: string[]): string {
  const { status, stderr } = spawnSync(toolPaths().helm, ['template', 'try', CHART, ...settings], { encoding: 'utf8', timeout: LIMIT_MS });
  if (status === 0) throw new Error(`Helm took ${settings.join(' ')}`);
  return stderr;
}
