// From a configured or typed key to the provider that holds it.
import type { AwsAccess } from '../aws/access.ts';
import type { KeyEntry, KeyProvider } from './provider.ts';

/** A key as typed behind `--key`. */
export type KeyFlag =
  | { readonly provider: 'aws-kms'; /** ARN, `alias/name`, alias ARN or key id. */ readonly id: string }
  | { readonly provider: 'local-file'; readonly path: string };

/** `aws-kms:ARN|alias` or `local-file:PATH`. Throws E_USAGE. */
export declare function parseKeyFlag(text: string): KeyFlag;

/**
 * What a typed key stands for, as it is recorded: the full key ARN (an alias is resolved by kms:DescribeKey; a full ARN needs no call), or the local key's
 * id. `region` is needed where `id` names none. Throws E_USAGE, E_CONFIG and what DescribeKey throws.
 */
export declare function resolveKey(flag: KeyFlag, where: { readonly region?: string; readonly endpoint?: string }, access: AwsAccess, signal: AbortSignal): Promise<KeyEntry>;

/** Opens no connection yet; reads a local key's file. Throws E_CONFIG, E_ENDPOINT_REFUSED, E_IO. The caller closes it. */
export declare function openKey(entry: KeyEntry, access: AwsAccess): Promise<KeyProvider>;
