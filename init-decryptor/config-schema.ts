// `weightlock.decryptor/1.0` as a closed schema: bytes in, a DecryptorConfig or E_CONFIG with the member's path out. Pure.
import { CONFIG_LIMIT_BYTES, DECRYPTOR_SCHEMA, type DecryptorConfig, type ModelSource } from '../core/api/decryptor-config.ts';
import type { CredentialSource } from '../core/aws/credential-source.ts';
import { asWeightlockError, WeightlockError } from '../core/errors.ts';
import { checkContextPairs } from '../core/envelope/context.ts';
import { digest, label, prefixedDigest } from '../core/envelope/members.ts';
import type { KeyEntry } from '../core/keys/provider.ts';
import { parseStrictJson } from '../core/strict-json.ts';
import { bool, fit, integer, list, oneOf, record, text, textThat, texts, type Shape } from '../core/strict-json/shape.ts';

const MAX_KEYS = 32;
const MAX_PATTERNS = 64;
const MAX_ENDPOINTS = 64;

const absolutePath = textThat((path) => path.startsWith('/') && !path.includes('\0'), 'an absolute path');
const isOrigin = (value: string): boolean => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) && new URL(value).origin === value;
const origin = textThat(isOrigin, 'an origin such as https://s3.example.com or http://10.0.0.7:9000: no path, no user, lower case');
const region = textThat((value) => /^[a-z0-9-]{1,64}$/.test(value), 'a region name such as eu-west-1');

/** What a member says in an object of exactly one member: `{"s3": …}` or `{"file": …}`. */
const eitherOf =
  <A, B>(member: string, withIt: Shape<A>, withoutIt: Shape<B>): Shape<A | B> =>
  (value) =>
    value instanceof Map && value.has(member) ? withIt(value) : withoutIt(value);

const s3 = record({ bucket: label(255), prefix: text }, { region, endpoint: origin, pathStyle: bool });
const source: Shape<ModelSource> = eitherOf('s3', record({ s3 }), record({ file: record({ path: absolutePath }) }));

const contextPairs: Shape<Readonly<Record<string, string>>> = (value) => {
  const pairs = texts(value);
  checkContextPairs(pairs);
  return Object.fromEntries(pairs);
};
const key: Shape<KeyEntry> = eitherOf(
  'awsKms',
  record({ awsKms: record({ keyArn: label(2048) }, { region, endpoint: origin }) }, { context: contextPairs }),
  record({ localFile: record({ path: absolutePath }, { id: label(128) }) }, { context: contextPairs }),
);

const CREDENTIALS = {
  files: record({ kind: oneOf('files'), directory: absolutePath }),
  webIdentity: record({ kind: oneOf('webIdentity'), roleArn: label(2048), tokenFile: absolutePath }, { stsEndpoint: origin }),
  container: record({ kind: oneOf('container'), uri: label(2048), tokenFile: absolutePath }),
  instanceRole: record({ kind: oneOf('instanceRole') }),
  anonymous: record({ kind: oneOf('anonymous') }),
} as const;
const credentialKind = oneOf(...(Object.keys(CREDENTIALS) as (keyof typeof CREDENTIALS)[]));

/** `default`, the SDK's chain, is the command line's alone: in a pod the source is named. */
const credentials: Shape<CredentialSource> = (value) => CREDENTIALS[credentialKind(value instanceof Map ? (value.get('kind') ?? null) : value)](value);

const configShape: Shape<DecryptorConfig> = record(
  {
    schema: oneOf(DECRYPTOR_SCHEMA),
    source,
    keys: list(key, MAX_KEYS),
    model: record({ name: label(), version: label() }),
    manifest: record({ digest: prefixedDigest, lineage: digest, bytes: integer(0), files: integer(1) }),
    verify: record({ content: oneOf('Digest', 'Aead') }),
    files: record({ include: list(text, MAX_PATTERNS), exclude: list(text, MAX_PATTERNS) }),
    credentials,
    allowedEndpoints: list(origin, MAX_ENDPOINTS),
    swap: oneOf('Refuse', 'Warn', 'Allow'),
    target: record({ path: absolutePath, requireTmpfs: bool, reuse: bool }),
    logLevel: oneOf('debug', 'info', 'warn', 'error'),
  },
  { resource: record({ namespace: label(63), name: label(63) }) },
);

/** `what` names where the bytes came from. */
export function parseDecryptorConfig(bytes: Uint8Array, what: string): DecryptorConfig {
  try {
    return fit(configShape, parseStrictJson(bytes, what, CONFIG_LIMIT_BYTES), what, 'E_CONFIG');
  } catch (error) {
    const { code, message } = asWeightlockError(error);
    const next = 'Correct the configuration; docs/operations describes each member.';
    throw new WeightlockError('E_CONFIG', code === 'E_CONFIG' ? message : `${message} (${code})`, { next, cause: error });
  }
}
