// Reads from S3: small objects whole, large ones by pinned ranges, lists page by page. Bytes come over the range client; the SDK signs and lists.
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { oneCall } from '../aws/failure.ts';
import { readS3ErrorBody, s3Error, type S3Call } from '../aws/s3-errors.ts';
import { needs, type WeightlockError } from '../errors.ts';
import { retry, SMALL_REQUEST_RETRY } from '../retry.ts';
import type { RangeAnswer, RangeClient } from '../transfer/range-client.ts';
import type { S3Place } from './s3-place.ts';
import type { OpenObject, StoredBytes, StoreReader } from './store.ts';

const LIST_DEADLINE_MS = 20_000;

export class S3Reader implements StoreReader {
  readonly #place: S3Place;
  readonly #ranges: RangeClient;

  /** Owns both. */
  constructor(place: S3Place, ranges: RangeClient) {
    this.#place = place;
    this.#ranges = ranges;
  }

  get url(): string {
    return this.#place.url;
  }

  async readSmall(key: string, maxBytes: number, signal: AbortSignal): Promise<StoredBytes> {
    const { object, head } = await this.openObject(key, maxBytes, signal);
    needs(object.size <= maxBytes, 'E_LIMIT_SIZE', `${this.#place.callOf('s3:GetObject', key).what} has ${object.size} bytes; the limit is ${maxBytes}`, 'It is not what Weightlock wrote: look at who wrote it.');
    return { bytes: head, etag: object.etag };
  }

  async openObject(key: string, headBytes: number, signal: AbortSignal): Promise<{ readonly object: OpenObject; readonly head: Buffer }> {
    const call = this.#place.callOf('s3:GetObject', key);
    const url = this.#place.signer(key);
    return retry(async () => {
      const chunks: Buffer[] = [];
      const range = { start: 0, end: headBytes };
      const answer = await this.#ranges.read({ url: await url(signal), what: call.what, range, pin: null }, (chunk) => void chunks.push(Buffer.from(chunk)), signal);
      if (answer.kind === 'refused') throw refusal(answer, call);
      const pin = { etag: answer.etag, size: answer.kind === 'empty' ? 0 : answer.size };
      const object: OpenObject = {
        ...pin,
        read: async (wanted, sink, readSignal) => {
          const got = await this.#ranges.read({ url: await url(readSignal), what: call.what, range: wanted, pin }, sink, readSignal);
          if (got.kind === 'refused') throw refusal(got, call);
        },
      };
      return { object, head: Buffer.concat(chunks) };
    }, SMALL_REQUEST_RETRY, signal);
  }

  async *list(folder: string, signal: AbortSignal): AsyncIterable<{ readonly key: string; readonly size: number; readonly modified: Date }> {
    const { client, bucket, keyOf, callOf } = this.#place;
    const prefix = keyOf(`${folder}/`);
    const base = prefix.length - folder.length - 1;
    let token: string | undefined;
    do {
      const input = { Bucket: bucket, Prefix: prefix, ...(token === undefined ? {} : { ContinuationToken: token }) };
      const call = callOf('s3:ListBucket', folder);
      const page = await retry(
        () => oneCall((abortSignal) => client.send(new ListObjectsV2Command(input), { abortSignal }), LIST_DEADLINE_MS, signal, (failure) => s3Error(failure, call)),
        SMALL_REQUEST_RETRY, signal,
      );
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        if (Key !== undefined && Size !== undefined && LastModified !== undefined) yield { key: Key.slice(base), size: Size, modified: LastModified };
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  close(): void {
    this.#ranges.close();
    this.#place.client.destroy();
  }
}

function refusal(answer: Extract<RangeAnswer, { kind: 'refused' }>, call: S3Call): WeightlockError {
  const { name, words } = readS3ErrorBody(answer.body);
  return s3Error({ kind: 'answer', name: name === '' ? 'no error code' : name, status: answer.status, words, requestId: answer.headers.get('x-amz-request-id') ?? null }, call);
}
