// One large object in parts: constant memory, parts sent again from their buffers, visible only once complete, nothing left behind on failure.
import { randomUUID } from 'node:crypto';
import {
  AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CreateMultipartUploadCommand, HeadObjectCommand, UploadPartCommand,
  type CompletedPart, type CompleteMultipartUploadCommandOutput, type CreateMultipartUploadCommandInput, type HeadObjectCommandOutput,
} from '@aws-sdk/client-s3';
import { oneCall } from '../aws/failure.ts';
import { s3Error } from '../aws/s3-errors.ts';
import { needs, WeightlockError } from '../errors.ts';
import { isRetryable, retry, type RetryPolicy, SMALL_REQUEST_RETRY } from '../retry.ts';
import { checkByHand, type ConditionHeaders, conditionHeaders, type Conditions, isUnsupported } from './s3-conditions.ts';
import { type SendPart, sendParts } from './s3-parts.ts';
import type { S3Place } from './s3-place.ts';

const PART_RETRY: RetryPolicy = { attempts: 8, firstPauseMs: 500, longestPauseMs: 20_000, budgetMs: 300_000 };
const CALL_DEADLINE_MS = 30_000;
/** A part must go out at this rate, after the time of any call. */
const SLOWEST_BYTES_PER_MS = 64;
/** Completing a 10,000-part upload takes S3 minutes at worst. */
const COMPLETE_DEADLINE_MS = 180_000;
/** Marks the object as this very upload's, so that an answer lost on the way can be told from a stranger's object. */
const UPLOAD_MARK = 'weightlock-upload';

export interface Upload {
  readonly place: S3Place;
  readonly key: string;
  readonly length: number;
  /** SSE headers of the object. */
  readonly encryption: Pick<CreateMultipartUploadCommandInput, 'ServerSideEncryption' | 'SSEKMSKeyId' | 'BucketKeyEnabled'>;
  /** Whether Complete may carry If-None-Match: *; told when it may not. */
  readonly conditions: Conditions;
}

/**
 * Uploads `body`, which must have exactly `length` bytes. Throws E_STORE_CONFLICT (the key exists), E_STORE_*, E_INTERNAL (another length), and what `body`
 * throws. On any failure the pending upload is aborted, under a deadline of its own.
 */
export async function uploadInParts(upload: Upload, body: AsyncIterable<Buffer>, signal: AbortSignal): Promise<{ readonly etag: string }> {
  const { place, key } = upload;
  const mark = randomUUID();
  const { UploadId } = await call(upload, CALL_DEADLINE_MS, signal, (abortSignal) =>
    place.client.send(new CreateMultipartUploadCommand({ Bucket: place.bucket, Key: place.keyOf(key), Metadata: { [UPLOAD_MARK]: mark }, ...place.checksum, ...upload.encryption }), { abortSignal }), SMALL_REQUEST_RETRY);
  needs(UploadId !== undefined, 'E_STORE_UNAVAILABLE', `${place.callOf('s3:PutObject', key).at} began no upload of ${place.callOf('s3:PutObject', key).what}`);
  try {
    const send: SendPart = (number, bytes, partSignal) =>
      call(upload, CALL_DEADLINE_MS + Math.ceil(bytes.length / SLOWEST_BYTES_PER_MS), partSignal, (abortSignal) =>
        place.client.send(new UploadPartCommand({ Bucket: place.bucket, Key: place.keyOf(key), UploadId, PartNumber: number, Body: bytes, ContentLength: bytes.length, ...place.checksum }), { abortSignal }), PART_RETRY);
    const parts = await sendParts(body, upload.length, send, signal);
    return await complete(upload, UploadId, parts, mark, signal);
  } catch (error) {
    await abandon(upload, UploadId);
    throw error;
  }
}

const call = <T>(upload: Upload, deadlineMs: number, signal: AbortSignal, send: (abortSignal: AbortSignal) => Promise<T>, policy: RetryPolicy): Promise<T> =>
  retry(() => oneCall(send, deadlineMs, signal, (failure) => s3Error(failure, upload.place.callOf('s3:PutObject', upload.key))), policy, signal);

async function complete(upload: Upload, uploadId: string, parts: readonly CompletedPart[], mark: string, signal: AbortSignal): Promise<{ readonly etag: string }> {
  const { place, key, length } = upload;
  const what = place.callOf('s3:PutObject', key);
  const at = { Bucket: place.bucket, Key: place.keyOf(key) };
  const input = { ...at, UploadId: uploadId, MultipartUpload: { Parts: [...parts] } };
  const present = async (): Promise<HeadObjectCommandOutput | null> => {
    try {
      return await oneCall((abortSignal) => place.client.send(new HeadObjectCommand(at), { abortSignal }), CALL_DEADLINE_MS, signal, (failure) => s3Error(failure, place.callOf('s3:GetObject', key)));
    } catch (error) {
      if (error instanceof WeightlockError && error.code === 'E_STORE_NOT_FOUND') return null;
      throw error;
    }
  };
  const send = (headers: ConditionHeaders): Promise<CompleteMultipartUploadCommandOutput> =>
    oneCall((abortSignal) => place.client.send(new CompleteMultipartUploadCommand({ ...input, ...headers }), { abortSignal }), COMPLETE_DEADLINE_MS, signal, (failure) => s3Error(failure, what));
  const sendByHand = async (): Promise<CompleteMultipartUploadCommandOutput> => {
    checkByHand({ kind: 'create' }, (await present())?.ETag ?? null, what);
    return send({});
  };
  return retry(async (number) => {
    try {
      const { ETag } = await (upload.conditions.honoured
        ? send(conditionHeaders({ kind: 'create' })).catch((error: unknown) => {
          if (!isUnsupported(error)) throw error;
          upload.conditions.deny();
          return sendByHand();
        })
        : sendByHand());
      needs(ETag !== undefined, 'E_STORE_UNAVAILABLE', `${what.at} completed ${what.what} without an ETag`);
      return { etag: ETag };
    } catch (error) {
      signal.throwIfAborted();
      // §2: 409 or an ambiguous time-out: GET and compare. An earlier Complete may have worked though its answer was lost.
      const found = number > 1 || isRetryable(error) ? await present().catch(() => null) : null;
      if (found?.ETag !== undefined && found.Metadata?.[UPLOAD_MARK] === mark && found.ContentLength === length) return { etag: found.ETag };
      throw error;
    }
  }, SMALL_REQUEST_RETRY, signal);
}

/** Best effort: a bucket's lifecycle rule clears what a lost connection leaves. The caller's signal may be aborted already, so this has its own time. */
async function abandon({ place, key }: Upload, uploadId: string): Promise<void> {
  await place.client.send(new AbortMultipartUploadCommand({ Bucket: place.bucket, Key: place.keyOf(key), UploadId: uploadId }), { abortSignal: AbortSignal.timeout(CALL_DEADLINE_MS) }).catch(() => undefined);
}
