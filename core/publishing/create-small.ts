// Creates a small stored file that nobody else can have meant to write: its name is a fresh random id or a digest of its content.
import { WeightlockError } from '../errors.ts';
import type { StoreWriter } from '../stores/store.ts';

/** §2: 409 or an ambiguous time-out: GET and compare. Throws E_STORE_* unless the bytes are there in the end. */
export async function createSmall(store: StoreWriter, key: string, bytes: Buffer, signal: AbortSignal): Promise<void> {
  try {
    await store.putSmall(key, bytes, { kind: 'create' }, signal);
  } catch (error) {
    const unclear = error instanceof WeightlockError && (error.code === 'E_STORE_CONFLICT' || error.code === 'E_STORE_UNAVAILABLE');
    if (!unclear) throw error;
    const there = await store.readSmall(key, bytes.length, signal).catch(() => null);
    if (there === null || !there.bytes.equals(bytes)) throw error;
  }
}
