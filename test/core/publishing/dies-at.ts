// A publisher that is killed at one moment of its dealings with the store: run as a process of its own by killed.test.ts.
// Arguments: folder, store, key file, number of the call to die at (from 1), and whether before it begins, once it is done, or never.
import { openLocalKey } from '../../../core/keys/local-file.ts';
import { scanFolder } from '../../../core/publishing/scan-folder.ts';
import { sealModel } from '../../../core/publishing/seal-model.ts';
import { FileWriter } from '../../../core/stores/file-writer.ts';
import type { PutCondition, StoreWriter } from '../../../core/stores/store.ts';

const [, , folder = '', store = '', keyFile = '', at = '0', when = 'never'] = process.argv;

/** A real store that counts what changes it. */
class MortalWriter extends FileWriter implements StoreWriter {
  calls = 0;

  override putSmall(key: string, bytes: Buffer, condition: PutCondition, signal: AbortSignal): Promise<{ readonly etag: string }> {
    return this.#call(() => super.putSmall(key, bytes, condition, signal));
  }
  override putStream(key: string, length: number, body: AsyncIterable<Buffer>, signal: AbortSignal): Promise<{ readonly etag: string }> {
    return this.#call(() => super.putStream(key, length, body, signal));
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    const number = ++this.calls;
    if (number === Number(at) && when === 'before') process.kill(process.pid, 'SIGKILL');
    const result = await work();
    if (number === Number(at) && when === 'after') process.kill(process.pid, 'SIGKILL');
    return result;
  }
}

const { signal } = new AbortController();
const writer = new MortalWriter(store);
const key = await openLocalKey(keyFile);
const sealed = await sealModel({
  folder: await scanFolder(folder, signal), store: writer, recipients: [{ key, context: {} }], model: { name: 'acme/m', version: '1' }, position: { kind: 'latest' }, hash: 'blake3',
  now: () => new Date(), observer: { sealed: () => {}, fileDone: () => {}, renumbered: () => {}, leftBehind: () => {} },
}, signal);
process.stdout.write(JSON.stringify({ calls: writer.calls, digest: sealed.digest, sequence: sealed.sequence }));
