// Publishes to S3: create-only objects and conditional replacements, so that two publishers never write over one another (format.md §2).
import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { oneCall } from '../aws/failure.ts';
import { type S3Call, s3Error } from '../aws/s3-errors.ts';
import { needs, WeightlockError } from '../errors.ts';
import { retry, SMALL_REQUEST_RETRY } from '../retry.ts';
import type { RangeClient } from '../transfer/range-client.ts';
import { checkByHand, type ConditionHeaders, conditionHeaders, Conditions, conflict, isMissingKey, isUnsupported, NO_SUCH_ETAG } from './s3-conditions.ts';
import type { S3Place } from './s3-place.ts';
import { S3Reader } from './s3-reader.ts';
import { uploadInParts } from './s3-upload.ts';
import type { PutCondition, StoreWriter } from './store.ts';

const CALL_DEADLINE_MS = 60_000;
/** Up to here one request stores an object; above, parts do. */
const ONE_REQUEST_BYTES = 8 * 1024 * 1024;

/** SSE-KMS headers of every object written, or none. */
export type EncryptionHeaders = { readonly ServerSideEncryption?: 'aws:kms'; readonly SSEKMSKeyId?: string; readonly BucketKeyEnabled?: boolean };

export class S3Writer extends S3Reader implements StoreWriter {
  readonly #place: S3Place;
  readonly #encryption: EncryptionHeaders;
  readonly #conditions = new Conditions();

  constructor(place: S3Place, ranges: RangeClient, encryption: EncryptionHeaders) {
    super(place, ranges);
    this.#place = place;
    this.#encryption = encryption;
  }

  get conditional(): boolean {
    return this.#conditions.honoured;
  }

  async putSmall(key: string, bytes: Buffer, condition: PutCondition, signal: AbortSignal): Promise<{ readonly etag: string }> {
    const etag = await this.#put(key, bytes, condition, signal);
    return { etag: this.#conditions.needsProof(condition) ? await this.#proven(key, bytes, condition, etag, signal) : etag };
  }

  async putStream(key: string, length: number, body: AsyncIterable<Buffer>, signal: AbortSignal): Promise<{ readonly etag: string }> {
    if (length > ONE_REQUEST_BYTES) return uploadInParts({ place: this.#place, key, length, encryption: this.#encryption, conditions: this.#conditions }, body, signal);
    return { etag: await this.#put(key, await gather(body, length), { kind: 'create' }, signal) };
  }

  async remove(key: string, signal: AbortSignal): Promise<void> {
    const { client } = this.#place;
    await retry(() => this.#call('s3:DeleteObject', key, signal, (abortSignal) => client.send(new DeleteObjectCommand(this.#at(key)), { abortSignal })), SMALL_REQUEST_RETRY, signal);
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#place.bucket, Key: this.#place.keyOf(key) };
  }

  #call<T>(action: S3Call['action'], key: string, signal: AbortSignal, send: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    return oneCall(send, CALL_DEADLINE_MS, signal, (failure) => s3Error(failure, this.#place.callOf(action, key)));
  }

  /** Returns the ETag under which `bytes` now stand, be it by an earlier try whose answer was lost. */
  #put(key: string, bytes: Buffer, condition: PutCondition, signal: AbortSignal): Promise<string> {
    return retry(async (number) => {
      try {
        return await this.#putOnce(key, bytes, condition, signal);
      } catch (error) {
        // §2: 409 or an ambiguous time-out: GET and compare.
        const present = number > 1 && codeOf(error) === 'E_STORE_CONFLICT' ? await this.readSmall(key, bytes.length, signal).catch(() => null) : null;
        if (present?.bytes.equals(bytes) === true) return present.etag;
        throw error;
      }
    }, SMALL_REQUEST_RETRY, signal);
  }

  async #putOnce(key: string, bytes: Buffer, condition: PutCondition, signal: AbortSignal): Promise<string> {
    const { client } = this.#place;
    const input = { ...this.#at(key), Body: bytes, ContentLength: bytes.length, ...this.#place.checksum, ...this.#encryption };
    const send = (headers: ConditionHeaders): Promise<{ readonly ETag?: string | undefined }> =>
      this.#call('s3:PutObject', key, signal, (abortSignal) => client.send(new PutObjectCommand({ ...input, ...headers }), { abortSignal }));
    const sendByHand = async (): Promise<{ readonly ETag?: string | undefined }> => {
      checkByHand(condition, await this.#etagOf(key, signal), this.#place.callOf('s3:PutObject', key));
      return send({});
    };
    const { ETag } = await (this.#conditions.honoured
      ? send(conditionHeaders(condition)).catch((error: unknown) => {
        if (condition.kind === 'replace' && isMissingKey(error)) throw conflict(this.#place.callOf('s3:PutObject', key), error);
        if (!isUnsupported(error)) throw error;
        this.#conditions.deny();
        return sendByHand();
      })
      : sendByHand());
    needs(ETag !== undefined, 'E_STORE_UNAVAILABLE', `${this.#place.callOf('s3:PutObject', key).what} was stored without an ETag`);
    return ETag;
  }

  /** Writes the same bytes once more under a condition that must fail. A server that takes them ignores conditions; nothing has changed by it. */
  async #proven(key: string, bytes: Buffer, condition: PutCondition, etag: string, signal: AbortSignal): Promise<string> {
    try {
      const again = await this.#putOnce(key, bytes, condition.kind === 'create' ? condition : { kind: 'replace', etag: NO_SUCH_ETAG }, signal);
      this.#conditions.deny();
      return again;
    } catch (error) {
      signal.throwIfAborted();
      if (codeOf(error) === 'E_STORE_CONFLICT') this.#conditions.prove(condition);
      return etag;
    }
  }

  async #etagOf(key: string, signal: AbortSignal): Promise<string | null> {
    const { client } = this.#place;
    try {
      return (await this.#call('s3:GetObject', key, signal, (abortSignal) => client.send(new HeadObjectCommand(this.#at(key)), { abortSignal }))).ETag ?? null;
    } catch (error) {
      if (codeOf(error) === 'E_STORE_NOT_FOUND') return null;
      throw error;
    }
  }
}

const codeOf = (error: unknown): string | undefined => (error instanceof WeightlockError ? error.code : undefined);

async function gather(body: AsyncIterable<Buffer>, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of body) {
    total += chunk.length;
    needs(total <= length, 'E_INTERNAL', `a stream of ${length} bytes went on after them`);
    chunks.push(Buffer.from(chunk));
  }
  needs(total === length, 'E_INTERNAL', `a stream of ${length} bytes ended after ${total}`);
  return Buffer.concat(chunks);
}
