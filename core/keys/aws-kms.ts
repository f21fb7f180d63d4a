// A KEK in AWS KMS, or in a server that speaks its protocol. Always the full key ARN and the full encryption context; one attempt a call.
import { DecryptCommand, DescribeKeyCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import type { AwsAccess } from '../aws/access.ts';
import { clientConfig } from '../aws/client-config.ts';
import { endpointGuard } from '../aws/endpoint-guard.ts';
import { oneCall } from '../aws/failure.ts';
import { type KmsCall, kmsError } from '../aws/kms-errors.ts';
import { DEK_BYTES } from '../envelope/lineage.ts';
import { needs } from '../errors.ts';
import { SecretBytes } from '../secret-bytes.ts';
import type { KeyProvider, WrapContext } from './provider.ts';

/** For one call, connection included. */
const CALL_DEADLINE_MS = 10_000;

const KEY_ARN = /^arn:(aws[a-z-]*):kms:([a-z0-9-]+):([0-9]{12}):key\/[A-Za-z0-9-]{1,128}$/;
const ANY_ARN = /^arn:aws[a-z-]*:kms:([a-z0-9-]+):[0-9]{12}:(key|alias)\/.+$/;

/** Whether `id` is a full key ARN: the only form a wrap holds (format.md §6). */
export const isKeyArn = (id: string): boolean => KEY_ARN.test(id);
/** The region an ARN of a key or alias names. */
export const regionOf = (id: string): string | undefined => ANY_ARN.exec(id)?.[1];

export interface KmsPlace {
  readonly region?: string;
  /** An origin; absent: AWS's own for the region. */
  readonly endpoint?: string;
}

function openClient(place: KmsPlace, access: AwsAccess): KMSClient {
  needs(access.credentials.kind !== 'anonymous', 'E_CREDENTIALS', 'AWS KMS takes no anonymous requests', 'Name a credential source: an account with a role, or a Secret (access.secretRef).');
  const target = { service: 'kms', ...place } as const;
  const client = new KMSClient(clientConfig(target, access));
  client.middlewareStack.use(endpointGuard(target, access));
  return client;
}

const placeName = (place: KmsPlace): string => place.endpoint ?? `AWS KMS${place.region === undefined ? '' : ` in ${place.region}`}`;

/** Throws E_CONFIG (not a full key ARN), E_CREDENTIALS (anonymous), E_ENDPOINT_REFUSED. Opens no connection yet. */
export function awsKms(keyArn: string, configured: KmsPlace, access: AwsAccess, callDeadlineMs = CALL_DEADLINE_MS): KeyProvider {
  // §6: full key ARN, never an alias
  needs(isKeyArn(keyArn), 'E_CONFIG', `${JSON.stringify(keyArn)} is not a full key ARN`, 'Write arn:aws:kms:REGION:ACCOUNT:key/ID; an alias is resolved when a model is sealed.');
  const place: KmsPlace = { region: regionOf(keyArn) ?? '', ...configured };
  const client = openClient(place, access);
  const callOf = (action: KmsCall['action'], context: WrapContext): KmsCall => ({ action, key: keyArn, context, at: placeName(place) });
  const checkKey = (answered: string | undefined, call: KmsCall): void =>
    // §6: what is sent to the service is byte-equal to the allow-list's entry; so must be what it says it used.
    needs(answered === keyArn, 'E_WRAP_MALFORMED', `${call.at} answered ${call.action} for ${keyArn} with the key ${JSON.stringify(answered)}`, 'Check the KMS endpoint: it answers for other keys than it was asked for.');

  return {
    provider: 'aws-kms',
    key: keyArn,
    wrap: async (dek, context, signal) => {
      const call = callOf('kms:Encrypt', context);
      const input = { KeyId: keyArn, Plaintext: dek.bytes, EncryptionContext: Object.fromEntries(context) };
      const answer = await oneCall((abortSignal) => client.send(new EncryptCommand(input), { abortSignal }), callDeadlineMs, signal, (failure) => kmsError(failure, call));
      checkKey(answer.KeyId, call);
      return Buffer.from(answer.CiphertextBlob ?? []);
    },
    unwrap: async (wrapped, context, signal) => {
      const call = callOf('kms:Decrypt', context);
      const input = { KeyId: keyArn, CiphertextBlob: wrapped, EncryptionContext: Object.fromEntries(context) };
      const answer = await oneCall((abortSignal) => client.send(new DecryptCommand(input), { abortSignal }), callDeadlineMs, signal, (failure) => kmsError(failure, call));
      const dek = SecretBytes.take(answer.Plaintext ?? new Uint8Array());
      try {
        checkKey(answer.KeyId, call);
        // §6: after unwrap: exact length
        needs(dek.length === DEK_BYTES, 'E_WRAP_MALFORMED', `${keyArn} unwrapped ${dek.length} bytes; a DEK has ${DEK_BYTES}`, 'The envelope was changed after publishing; publish it again from the pinned model.');
      } catch (error) {
        dek.destroy();
        throw error;
      }
      return { dek, requestId: answer.$metadata.requestId ?? null };
    },
    close: () => client.destroy(),
  };
}

/** The full key ARN behind `id` (ARN, alias, alias ARN, key id), by kms:DescribeKey. Throws E_KMS_*, E_CREDENTIALS, E_ENDPOINT_REFUSED. */
export async function describeKeyArn(id: string, place: KmsPlace, access: AwsAccess, signal: AbortSignal): Promise<string> {
  const client = openClient(place, access);
  const call: KmsCall = { action: 'kms:DescribeKey', key: id, context: new Map(), at: placeName(place) };
  try {
    const answer = await oneCall((abortSignal) => client.send(new DescribeKeyCommand({ KeyId: id }), { abortSignal }), CALL_DEADLINE_MS, signal, (failure) => kmsError(failure, call));
    const arn = answer.KeyMetadata?.Arn ?? '';
    needs(isKeyArn(arn), 'E_KMS_NOT_FOUND', `${call.at} describes ${id} as ${JSON.stringify(arn)}, which is no key ARN`, 'Check the KMS endpoint.');
    return arn;
  } finally {
    client.destroy();
  }
}
