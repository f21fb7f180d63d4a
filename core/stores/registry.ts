// From a URL or a configured source to its store.
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ModelSource } from '../api/decryptor-config.ts';
import type { AwsAccess } from '../aws/access.ts';
import { needs, WeightlockError } from '../errors.ts';
import { RangeClient } from '../transfer/range-client.ts';
import { FileReader } from './file-reader.ts';
import { FileWriter } from './file-writer.ts';
import { isBucket, openPlace, s3Url } from './s3-place.ts';
import { S3Reader } from './s3-reader.ts';
import { S3Writer } from './s3-writer.ts';
import type { StoreReader, StoreWriter } from './store.ts';

/** What a publisher asks of the bucket for every object it writes: SSE-KMS under this key (S3 adds its own layer below our encryption). */
export interface ServerSideEncryption {
  readonly kmsKeyId: string;
  readonly bucketKey: boolean;
}

/** `s3://bucket[/prefix]` or `file:///dir` as a source; region, endpoint and path style are the caller's to add. Throws E_USAGE, saying what a URL looks like. */
export function parseStoreUrl(url: string): ModelSource {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/?#]+)(?:\/([^?#]*))?$/.exec(url) ?? [];
  if (bucket !== undefined) {
    needs(isBucket(bucket), 'E_USAGE', `${JSON.stringify(bucket)} is not the name of a bucket`, 'A bucket has 3 to 63 characters: lower-case letters, digits, dots, hyphens.');
    const path = prefix.replace(/\/+$/, '');
    needs(path === '' || path.split('/').every((part) => part !== '' && part !== '.' && part !== '..'), 'E_USAGE', `${JSON.stringify(url)} has an empty or relative part`, 'Write s3://bucket/some/prefix.');
    return { s3: { bucket, prefix: path } };
  }
  if (url.startsWith('file:///') && URL.canParse(url)) return { file: { path: fileURLToPath(url).replace(/(.)\/+$/, '$1') } };
  throw new WeightlockError('E_USAGE', `${JSON.stringify(url)} is not the URL of a store`, { next: 'Write s3://bucket/prefix or file:///absolute/folder.' });
}

/** The inverse, for people: `s3://bucket/prefix`, `file:///dir`. */
export const storeUrl = (source: ModelSource): string => ('s3' in source ? s3Url(source.s3) : pathToFileURL(source.file.path).href);

const ranges = (access: AwsAccess): RangeClient => new RangeClient(access.caPem === undefined ? {} : { caPem: access.caPem });

/** Opens no connection yet. Throws E_CONFIG, E_ENDPOINT_REFUSED. The caller closes it. */
export function openStore(source: ModelSource, access: AwsAccess): StoreReader {
  if ('s3' in source) return new S3Reader(openPlace(source.s3, access), ranges(access));
  return new FileReader(folderOf(source.file.path));
}

/** The same, for publishing. */
export function openStoreForWriting(source: ModelSource, access: AwsAccess, encryption: ServerSideEncryption | null): StoreWriter {
  if ('s3' in source) {
    const headers = encryption === null ? {} : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: encryption.kmsKeyId, BucketKeyEnabled: encryption.bucketKey } as const;
    return new S3Writer(openPlace(source.s3, access), ranges(access), headers);
  }
  needs(encryption === null, 'E_USAGE', 'a folder has no server-side encryption', 'Leave the option out, or publish to s3://.');
  return new FileWriter(folderOf(source.file.path));
}

function folderOf(path: string): string {
  needs(isAbsolute(path), 'E_CONFIG', `${JSON.stringify(path)} is not an absolute path`, 'Write the whole path of the folder.');
  return path;
}
