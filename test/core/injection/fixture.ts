// One folder of fixtures/: a pod as a person wrote it, the models there are, and what admission must make of it.
import { existsSync, readFileSync } from 'node:fs';
import type { EncryptedModel } from '../../../core/api/encrypted-model.ts';
import type { InjectionSettings } from '../../../core/injection/decide.ts';
import { parse, parseAllDocuments } from 'yaml';

export const FIXTURES = new URL('./fixtures/', import.meta.url);

export const SETTINGS: InjectionSettings = {
  image: 'registry.example/weightlock/init-decryptor@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  version: '1.2.3',
  allowedEndpoints: ['http://10.77.0.1:9000'],
};

export interface Fixture {
  readonly pod: unknown;
  readonly models: ReadonlyMap<string, EncryptedModel>;
  /** The pod after admission, with WEIGHTLOCK_CONFIG as an object; or */
  readonly expected: unknown;
  /** the three lines of a refusal: reason, message, next step. */
  readonly denied: string | undefined;
}

export function readFixture(name: string): Fixture {
  const folder = new URL(`${name}/`, FIXTURES);
  const own = new URL('model.yaml', folder);
  const documents = parseAllDocuments(readFileSync(existsSync(own) ? own : new URL('models.yaml', FIXTURES), 'utf8'));
  const models = documents.map((document) => document.toJS() as EncryptedModel);
  const deny = new URL('deny.txt', folder);
  const denied = existsSync(deny) ? readFileSync(deny, 'utf8').trimEnd() : undefined;
  return {
    pod: parse(readFileSync(new URL('pod.yaml', folder), 'utf8')),
    models: new Map(models.map((model) => [model.metadata.name, model])),
    expected: denied === undefined ? parse(readFileSync(new URL('expect.yaml', folder), 'utf8')) : undefined,
    denied,
  };
}

interface WithEnvironment {
  readonly spec: { readonly initContainers?: { readonly env?: { readonly name: string; value?: unknown }[] }[] };
}

/** `pod` with WEIGHTLOCK_CONFIG parsed, for reading. */
export function readable<T>(pod: T): T {
  const copy = structuredClone(pod);
  for (const container of (copy as WithEnvironment).spec.initContainers ?? []) {
    for (const variable of container.env ?? []) if (variable.name === 'WEIGHTLOCK_CONFIG') variable.value = JSON.parse(String(variable.value));
  }
  return copy;
}
