// From a URL or a configured source to its store.
import type { AwsAccess } from '../aws/access.ts';
import type { ModelSource } from '../api/decryptor-config.ts';
import type { StoreReader, StoreWriter } from './store.ts';

/** What a publisher asks of the bucket for every object it writes: SSE-KMS under this key (S3 adds its own layer below our encryption). */
export interface ServerSideEncryption {
  readonly kmsKeyId: string;
  readonly bucketKey: boolean;
}

/** `s3://bucket[/prefix]` or `file:///dir` as a source; region, endpoint and path style are the caller's to add. Throws E_USAGE, saying what a URL looks like. */
export declare function parseStoreUrl(url: string): ModelSource;

/** The inverse, for people: `s3://bucket/prefix`, `file:///dir`. */
export declare function storeUrl(source: ModelSource): string;

/** Opens no connection yet. Throws E_CONFIG, E_ENDPOINT_REFUSED. The caller closes it. */
export declare function openStore(source: ModelSource, access: AwsAccess): StoreReader;

/** The same, for publishing. */
export declare function openStoreForWriting(source: ModelSource, access: AwsAccess, encryption: ServerSideEncryption | null): StoreWriter;
