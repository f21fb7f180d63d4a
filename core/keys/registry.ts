// From a configured or typed key to the provider that holds it.
import type { AwsAccess } from '../aws/access.ts';
import { needs, WeightlockError } from '../errors.ts';
import { awsKms, describeKeyArn, isKeyArn, type KmsPlace, regionOf } from './aws-kms.ts';
import { openLocalKey } from './local-file.ts';
import type { KeyEntry, KeyProvider } from './provider.ts';

/** A key as typed behind `--key`. */
export type KeyFlag =
  | { readonly provider: 'aws-kms'; /** ARN, `alias/name`, alias ARN or key id. */ readonly id: string }
  | { readonly provider: 'local-file'; readonly path: string };

/** `aws-kms:ARN|alias` or `local-file:PATH`. Throws E_USAGE. */
export function parseKeyFlag(text: string): KeyFlag {
  const [, provider, rest] = /^([a-z-]+):(.+)$/.exec(text) ?? [];
  if (rest !== undefined && provider === 'aws-kms') return { provider, id: rest };
  if (rest !== undefined && provider === 'local-file') return { provider, path: rest };
  throw new WeightlockError('E_USAGE', `${JSON.stringify(text)} names no key`, { next: 'Write aws-kms:ARN, aws-kms:alias/NAME or local-file:PATH.' });
}

/**
 * What a typed key stands for, as it is recorded: the full key ARN (an alias is resolved by kms:DescribeKey; a full ARN needs no call), or the local key's
 * id. `region` is needed where `id` names none. Throws E_USAGE, E_CONFIG and what DescribeKey throws.
 */
export async function resolveKey(flag: KeyFlag, where: KmsPlace, access: AwsAccess, signal: AbortSignal): Promise<KeyEntry> {
  switch (flag.provider) {
    case 'aws-kms': {
      const region = regionOf(flag.id) ?? where.region;
      needs(region !== undefined, 'E_USAGE', `${flag.id} names no region`, 'Write the full ARN, or set the region (AWS_REGION).');
      const keyArn = isKeyArn(flag.id) ? flag.id : await describeKeyArn(flag.id, { ...where, region }, access, signal);
      return { awsKms: { keyArn, region: regionOf(keyArn) ?? region, ...(where.endpoint === undefined ? {} : { endpoint: where.endpoint }) } };
    }
    case 'local-file': {
      const key = await openLocalKey(flag.path);
      key.close();
      return { localFile: { id: key.key, path: flag.path } };
    }
    default: return flag satisfies never;
  }
}

/** Opens no connection yet; reads a local key's file. Throws E_CONFIG, E_CREDENTIALS, E_ENDPOINT_REFUSED, E_IO. The caller closes it. */
export async function openKey(entry: KeyEntry, access: AwsAccess): Promise<KeyProvider> {
  if ('localFile' in entry) return openLocalKey(entry.localFile.path, entry.localFile.id);
  const { keyArn, region, endpoint } = entry.awsKms;
  return awsKms(keyArn, { ...(region === undefined ? {} : { region }), ...(endpoint === undefined ? {} : { endpoint }) }, access);
}
