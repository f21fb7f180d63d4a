// The flags that say where a model lies and which keys open it, shared by every command that reaches a store.
import type { ModelSource } from '../core/api/decryptor-config.ts';
import type { AwsAccess } from '../core/aws/access.ts';
import { checkContextPairs } from '../core/envelope/context.ts';
import { asWeightlockError, needs, WeightlockError } from '../core/errors.ts';
import type { Option } from './arguments.ts';
import type { Environment } from './config.ts';
import { originOf } from './origin.ts';
import type { Services } from './services.ts';

export const STORE_OPTIONS = {
  's3-endpoint': { type: 'string', value: 'ORIGIN', about: 'an S3 server other than AWS\'s own: https://host[:port], or http:// on a network you trust' },
  'path-style': { type: 'boolean', about: 'put the bucket into the path, not the host name (most S3 servers other than AWS want it)' },
  region: { type: 'string', value: 'REGION', about: 'of the bucket, and of keys that name none (default: AWS_REGION)' },
  'allow-endpoint': { type: 'string', multiple: true, value: 'ORIGIN', about: 'let credentials go to this origin, which a model file names' },
} as const satisfies Record<string, Option>;

export const KEY_OPTIONS = {
  key: { type: 'string', multiple: true, value: 'KEY', about: 'aws-kms:ARN, or local-file:PATH to try things' },
  'kms-endpoint': { type: 'string', value: 'ORIGIN', about: 'a KMS server other than AWS\'s own' },
  context: { type: 'string', multiple: true, value: 'NAME=VALUE', about: 'a pair of the encryption context that the wrap is bound to' },
} as const satisfies Record<string, Option>;

interface StoreValues {
  readonly 's3-endpoint': string | undefined;
  readonly 'path-style': boolean;
  readonly region: string | undefined;
}

/** A typed URL with what the flags add to it. Throws E_USAGE. */
export function sourceOf(url: string, values: StoreValues, environment: Environment, { parseStoreUrl }: Services): ModelSource {
  const source = parseStoreUrl(url);
  if ('file' in source) {
    needs(values['s3-endpoint'] === undefined && !values['path-style'], 'E_USAGE', `--s3-endpoint and --path-style mean nothing for ${url}`, 'Leave them out, or give an s3:// URL.');
    return source;
  }
  const region = values.region ?? environment.awsRegion;
  return overriddenSource(region === undefined ? source : { s3: { ...source.s3, region } }, values);
}

/** A model file's source, with the flags in place of what it says about the way there. Throws E_USAGE. */
export function overriddenSource(source: ModelSource, values: StoreValues): ModelSource {
  if ('file' in source) return source;
  return {
    s3: {
      ...source.s3,
      ...(values.region === undefined ? {} : { region: values.region }),
      ...(values['s3-endpoint'] === undefined ? {} : { endpoint: originOf('--s3-endpoint', values['s3-endpoint']) }),
      ...(values['path-style'] ? { pathStyle: true } : {}),
    },
  };
}

/** The person's own credentials, for AWS's own domains and the endpoints that were typed. */
export function accessOf(values: StoreValues & { readonly 'kms-endpoint'?: string | undefined; readonly 'allow-endpoint'?: readonly string[] }): AwsAccess {
  const typed = [values['s3-endpoint'], values['kms-endpoint']].flatMap((endpoint) => (endpoint === undefined ? [] : [endpoint]));
  return {
    credentials: { kind: 'default' },
    allowedEndpoints: [...typed.map((text) => originOf('the endpoint', text)), ...(values['allow-endpoint'] ?? []).map((text) => originOf('--allow-endpoint', text))],
  };
}

/** Where a key service is asked, for keys that do not say it themselves. Throws E_USAGE. */
export function keyPlaceOf(values: Pick<StoreValues, 'region'> & { readonly 'kms-endpoint': string | undefined }, environment: Environment): { readonly region?: string; readonly endpoint?: string } {
  const region = values.region ?? environment.awsRegion;
  const endpoint = values['kms-endpoint'];
  return { ...(region === undefined ? {} : { region }), ...(endpoint === undefined ? {} : { endpoint: originOf('--kms-endpoint', endpoint) }) };
}

/** `name=value` pairs, held to format.md §6. Throws E_USAGE. */
export function contextOf(pairs: readonly string[]): Readonly<Record<string, string>> {
  const context = new Map<string, string>();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    needs(at > 0, 'E_USAGE', `--context ${JSON.stringify(pair)} is not NAME=VALUE`, 'For example: --context tenant=acme');
    const name = pair.slice(0, at);
    needs(!context.has(name), 'E_USAGE', `--context ${name} is given twice`, 'Give each name once.');
    context.set(name, pair.slice(at + 1));
  }
  try {
    checkContextPairs(context);
  } catch (error) {
    throw new WeightlockError('E_USAGE', `--context: ${asWeightlockError(error).message}`, { next: 'For example: --context tenant=acme', cause: error });
  }
  return Object.fromEntries(context);
}
