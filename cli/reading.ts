// What every reading command shares: from URL or model.yaml and flags to a place, an allow-list and a policy, and to a model opened under it.
import type { ModelSource } from '../core/api/decryptor-config.ts';
import type { AwsAccess } from '../core/aws/access.ts';
import { needs } from '../core/errors.ts';
import { LOCAL_KEY_NOTICE } from '../core/keys/local-file.ts';
import type { KeyEntry } from '../core/keys/provider.ts';
import type { AllowedKey } from '../core/keys/unwrap.ts';
import { openModel } from '../core/opening/open-model.ts';
import type { OpenedModel } from '../core/opening/opened-model.ts';
import type { ReaderPolicy } from '../core/opening/policy.ts';
import type { StoreReader } from '../core/stores/store.ts';
import type { Option } from './arguments.ts';
import type { Session } from './command.ts';
import { readModelFile, type ModelFile } from './model-file.ts';
import type { Say } from './say.ts';
import { loadServices, type Services } from './services.ts';
import { accessOf, contextOf, KEY_OPTIONS, keyPlaceOf, overriddenSource, sourceOf, STORE_OPTIONS } from './target-flags.ts';

/** Pins and selection, for a reader without a model.yaml. */
export const POLICY_OPTIONS = {
  digest: { type: 'string', value: 'sha256:HEX', about: 'the manifest digest that it must be: the strongest pin' },
  lineage: { type: 'string', value: 'HEX', about: 'the lineage (key commitment) that it must belong to' },
  name: { type: 'string', value: 'NAME', about: 'what the sealed manifest must say its name is: the weakest pin' },
  version: { type: 'string', value: 'VERSION', about: 'what the sealed manifest must say its version is' },
  include: { type: 'string', multiple: true, value: 'GLOB', about: 'only these files' },
  exclude: { type: 'string', multiple: true, value: 'GLOB', about: 'not these files' },
} as const satisfies Record<string, Option>;

export const READER_OPTIONS = { ...KEY_OPTIONS, ...POLICY_OPTIONS, ...STORE_OPTIONS } as const;

type Values<T> = { readonly [K in keyof T]: T[K] extends { type: 'boolean' } ? boolean : T[K] extends { multiple: true } ? readonly string[] : string | undefined };
export type ReaderValues = Values<typeof READER_OPTIONS>;

export interface Target {
  readonly source: ModelSource;
  /** null: a URL was given. */
  readonly file: ModelFile | null;
}

/** Else it is the path of a model.yaml. */
export const looksLikeUrl = (text: string): boolean => /^[a-z][a-z0-9+.-]*:/.test(text);

/** `place`: a URL or the path of a model.yaml, whose endpoint, region and path style the flags override. */
export async function targetOf(place: string, values: Values<typeof STORE_OPTIONS>, session: Session, services: Services): Promise<Target> {
  if (looksLikeUrl(place)) return { source: sourceOf(place, values, session.environment, services), file: null };
  const file = await readModelFile(place);
  return { source: overriddenSource(file.source, values), file };
}

/** Throws E_USAGE; that something vouches at all is for checkPolicy to see. */
export function policyOf(file: ModelFile | null, values: Values<typeof POLICY_OPTIONS>, now: () => Date): ReaderPolicy {
  const seconds = (): number => now().getTime() / 1000;
  if (file !== null) {
    const typed = (['digest', 'lineage', 'name', 'version', 'include', 'exclude'] as const).find((name) => values[name] !== undefined && values[name].length > 0);
    needs(typed === undefined, 'E_USAGE', `--${typed} has no place beside ${file.path}, which says it itself`, 'Leave it out, or give the URL instead of the file.');
    return { digest: file.digest, lineage: file.lineage, name: file.model.name, version: file.model.version, content: file.content, files: file.patterns, expected: file.totals, now: seconds };
  }
  return {
    ...(values.digest === undefined ? {} : { digest: hexOf('--digest', values.digest, 'sha256:') }),
    ...(values.lineage === undefined ? {} : { lineage: hexOf('--lineage', values.lineage, '') }),
    ...(values.name === undefined ? {} : { name: values.name }),
    ...(values.version === undefined ? {} : { version: values.version }),
    content: 'Digest',
    files: { include: values.include, exclude: values.exclude },
    now: seconds,
  };
}

export function hexOf(flag: string, text: string, prefix: string): string {
  needs(text.startsWith(prefix) && /^[0-9a-f]{64}$/.test(text.slice(prefix.length)), 'E_USAGE', `${flag} ${JSON.stringify(text)} is not ${prefix}${prefix === '' ? '' : ' and '}64 lower-case hexadecimal digits`,
    'Take it from the output of `weightlock seal`, or from the model.yaml it wrote.');
  return text.slice(prefix.length);
}

/** The allow-list: the model file's, a local key's path from --key; or the --key flags. */
async function keyEntries(file: ModelFile | null, values: ReaderValues, access: AwsAccess, session: Session, { parseKeyFlag, resolveKey }: Services): Promise<readonly KeyEntry[]> {
  const flags = values.key.map(parseKeyFlag);
  const where = keyPlaceOf(values, session.environment);
  if (file === null) {
    const context = contextOf(values.context);
    return Promise.all(flags.map(async (flag) => ({ ...(await resolveKey(flag, where, access, session.signal)), context })));
  }
  needs(values.context.length === 0, 'E_USAGE', `--context has no place beside ${file.path}, which says it itself`, 'Leave it out.');
  const local = await Promise.all(flags.map(async (flag) => {
    needs(flag.provider === 'local-file', 'E_USAGE', `${file.path} names the keys itself; beside it, --key only says where a local key lies`, 'Leave --key aws-kms:… out, or give the URL instead of the file.');
    return resolveKey(flag, where, access, session.signal);
  }));
  return file.keys.map((key): KeyEntry => {
    if ('awsKms' in key) return { awsKms: { ...key.awsKms, ...(where.endpoint === undefined ? {} : { endpoint: where.endpoint }) }, context: key.context };
    const found = local.find((entry) => 'localFile' in entry && entry.localFile.id === key.localFile.id);
    const others = local.flatMap((entry) => ('localFile' in entry ? [`${entry.localFile.path} holds ${entry.localFile.id}`] : []));
    needs(found !== undefined, 'E_USAGE', `${file.path} is sealed under the local key ${key.localFile.id}, ${others.length === 0 ? 'and nothing says where that lies' : `but ${others.join(', ')}`}`,
      others.length === 0 ? 'Add --key local-file:PATH.' : 'Give --key local-file:PATH the key that the model was sealed under.');
    return { ...found, context: key.context };
  });
}

/** Says once, at the start, what a person should know of the keys and rights in use. */
export async function announce(say: Say, { credentialsTaken }: Services, access: AwsAccess, usesAws: boolean, usesLocalKey: boolean): Promise<void> {
  if (usesAws) say.line(`AWS credentials: ${await credentialsTaken(access)}`);
  if (usesLocalKey) say.warn(LOCAL_KEY_NOTICE);
}

export interface Reading {
  readonly model: OpenedModel;
  readonly policy: ReaderPolicy;
  readonly store: StoreReader;
  readonly target: Target;
}

/** Opens the model that `place` and the flags name (steps 1-6 of format.md §8), hands it to `work`, and closes everything. */
export async function withModel<T>(session: Session, place: string, values: ReaderValues, work: (reading: Reading) => Promise<T>): Promise<T> {
  const services = await loadServices();
  const target = await targetOf(place, values, session, services);
  const policy = policyOf(target.file, values, session.now);
  const access = accessOf(values);
  const entries = await keyEntries(target.file, values, access, session, services);
  await announce(session.say, services, access, 's3' in target.source || entries.some((entry) => 'awsKms' in entry), entries.some((entry) => 'localFile' in entry));
  const store = services.openStore(target.source, access);
  const keys: AllowedKey[] = [];
  try {
    for (const entry of entries) keys.push({ key: await services.openKey(entry, access), context: entry.context ?? {} });
    using model = await openModel(policy, store, keys, session.signal);
    if (model.pinnedBy === 'name') {
      session.say.warn(`only the name ${JSON.stringify(model.manifest.model.name)} vouches for this model. That holds against people who can read or rewrite the store, but not against somebody who replays an older version, may encrypt under your key, or once held this model's key. Pin it: --digest sha256:${model.digest}`);
    }
    return await work({ model, policy, store, target });
  } finally {
    for (const { key } of keys) key.close();
    store.close();
  }
}
