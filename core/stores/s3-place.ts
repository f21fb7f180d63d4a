// One prefix of one bucket: the SDK client that signs for it, and the names of what lies in it.
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { AwsAccess } from '../aws/access.ts';
import { clientConfig } from '../aws/client-config.ts';
import { checkTarget, endpointGuard } from '../aws/endpoint-guard.ts';
import { readFailure, unlessAborted } from '../aws/failure.ts';
import { type S3Call, s3Error } from '../aws/s3-errors.ts';
import type { S3Source } from '../api/decryptor-config.ts';
import { needs } from '../errors.ts';

/** How long a presigned URL is good for, and after how long it is signed anew: an expired one is never sent. */
const SIGNATURE_SECONDS = 300;
const RENEW_AFTER_MS = 120_000;
/** Where an endpoint of one's own names no region, servers expect this one. */
const USUAL_REGION = 'us-east-1';
/** S3's own rules for bucket names, without the reserved prefixes. */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
export const isBucket = (name: string): boolean => BUCKET.test(name);

export interface S3Place {
  readonly client: S3Client;
  readonly bucket: string;
  /** `s3://bucket/prefix`. */
  readonly url: string;
  /** The full key of a key relative to the prefix. */
  /**
   * Members of every request that writes. AWS's own S3 gets CRC32s: buckets with Object Lock demand a checksum. Servers that only speak S3 may refuse
   * them; the signature covers the payload's SHA-256 anyway.
   */
  readonly checksum: { readonly ChecksumAlgorithm?: 'CRC32' };
  readonly keyOf: (key: string) => string;
  readonly callOf: (action: S3Call['action'], key: string) => S3Call;
  /** A URL to GET `key`, renewed before it expires; plain where requests are anonymous. One a stored object. Throws E_CREDENTIALS, E_ENDPOINT_REFUSED. */
  readonly signer: (key: string) => (signal: AbortSignal) => Promise<URL>;
}

/** `s3://bucket[/prefix]`, for people. */
export const s3Url = ({ bucket, prefix }: Pick<S3Source, 'bucket' | 'prefix'>): string => `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;

/** Throws E_CONFIG, E_ENDPOINT_REFUSED. Opens no connection yet. */
export function openPlace(source: S3Source, access: AwsAccess): S3Place {
  const { bucket, endpoint } = source;
  const prefix = source.prefix.replace(/^\/+|\/+$/g, '');
  needs(isBucket(bucket), 'E_CONFIG', `${JSON.stringify(bucket)} is not the name of a bucket`, 'A bucket has 3 to 63 characters: lower-case letters, digits, dots, hyphens.');
  // A URL is rid of such components before it is sent (WHATWG URL, "path state"): the request would be for another key than the one signed for.
  needs(prefix.split('/').every((part) => part !== '.' && part !== '..'), 'E_CONFIG', `the prefix ${JSON.stringify(prefix)} has . or .. as a component`, 'Name the prefix plainly.');
  const region = source.region ?? (endpoint === undefined ? undefined : USUAL_REGION);
  needs(region !== undefined || access.credentials.kind === 'default', 'E_CONFIG', `the bucket ${bucket} has neither region nor endpoint`, 'Set source.s3.region.');
  const target = { service: 's3', ...(region === undefined ? {} : { region }), ...(endpoint === undefined ? {} : { endpoint }) } as const;
  const anonymous = access.credentials.kind === 'anonymous';
  const client = new S3Client({
    ...clientConfig(target, access),
    forcePathStyle: source.pathStyle ?? endpoint !== undefined,
    // The SDK's default would put checksum parameters into presigned URLs, and send trailers that other servers refuse; see `checksum`.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(anonymous ? { signer: { sign: async <R>(request: R): Promise<R> => request } } : {}),
  });
  client.middlewareStack.use(endpointGuard(target, access));
  const url = s3Url({ bucket, prefix });
  const keyOf = (key: string): string => (prefix === '' ? key : `${prefix}/${key}`);
  const callOf = (action: S3Call['action'], key: string): S3Call => ({ action, what: `s3://${bucket}/${keyOf(key)}`, at: endpoint ?? `S3${region === undefined ? '' : ` in ${region}`}` });

  const sign = async (key: string, signal: AbortSignal): Promise<URL> => {
    const signing = getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: keyOf(key) }), { expiresIn: SIGNATURE_SECONDS });
    const signed = await unlessAborted(signing, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      const failure = readFailure(error);
      throw failure.kind === 'ours' ? failure.error : s3Error(failure, callOf('s3:GetObject', key));
    });
    const result = new URL(signed);
    checkTarget(target, access, new URL(result.origin));
    if (anonymous) result.search = '';
    return result;
  };
  return {
    client, bucket, url, keyOf, callOf,
    checksum: endpoint === undefined ? { ChecksumAlgorithm: 'CRC32' } : {},
    signer: (key) => {
      let current: { readonly url: URL; readonly madeAt: number } | null = null;
      return async (signal) => {
        if (current === null || performance.now() - current.madeAt > RENEW_AFTER_MS) current = { url: await sign(key, signal), madeAt: performance.now() };
        return current.url;
      };
    },
  };
}
