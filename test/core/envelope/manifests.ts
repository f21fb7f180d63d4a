// A small valid manifest, and copies of it with one thing changed.
import { parseManifest, type Manifest } from '../../../core/envelope/manifest.ts';
import { ENVELOPE_ID, OBJECT_ID, run } from './known.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type ManifestJson = Record<string, unknown>;

export const OTHER_OBJECT_ID = run(0x90, 16).toString('hex');
const digest = (byte: number): string => Buffer.alloc(32, byte).toString('hex');

/** Two files: `a.bin` of 8 MiB + 1 byte, and an empty `z/empty`. */
export const manifestJson = (): ManifestJson => ({
  schema: 'weightlock.manifest/1.0',
  envelopeId: ENVELOPE_ID,
  model: { name: 'acme/llama-ft', version: '2026.11.2' },
  sequence: 7,
  previous: `sha256:${digest(6)}`,
  created: '2026-11-23T04:05:06Z',
  expires: null,
  totals: { files: 2, bytes: 8_388_609 },
  files: [
    { path: 'a.bin', size: 8_388_609, object: OBJECT_ID, segment: 1_048_576, tag: digest(1), shards: { alg: 'blake3', size: 8_388_608, values: [digest(2), digest(3)] } },
    { path: 'z/empty', size: 0, object: OTHER_OBJECT_ID, segment: 1_048_576, tag: digest(4), shards: { alg: 'sha256', size: 8_388_608, values: [] } },
  ],
  annotations: { licence: 'Apache-2.0' },
});

export const bytesOf = (json: unknown): Buffer => Buffer.from(JSON.stringify(json));
export const validManifest = (): Manifest => parseManifest(bytesOf(manifestJson()));

/** `json` with the member at `path` (`files.0.size`) replaced; `undefined` removes it. */
export function changed(json: ManifestJson, path: string, value: Json | undefined): ManifestJson {
  const copy: ManifestJson = structuredClone(json);
  const steps = path.split('.');
  const last = steps.pop() ?? '';
  let at = copy;
  for (const step of steps) at = at[step] as ManifestJson;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

/** Every path of members and items in `json`. */
export function pathsOf(json: unknown, prefix = ''): string[] {
  if (typeof json !== 'object' || json === null) return [];
  return Object.entries(json).flatMap(([key, value]) => [`${prefix}${key}`, ...pathsOf(value, `${prefix}${key}.`)]);
}
