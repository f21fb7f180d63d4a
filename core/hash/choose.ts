// Picks what computes the plaintext digests: the fastest engine of the algorithm that gives the known answer.
import { WeightlockError } from '../errors.ts';
import { nativeBlake3 } from './blake3-native.ts';
import { blake3WasmEngine } from './blake3-wasm.ts';
import { sha256Engine } from './sha256.ts';
import type { DigestAlgorithm, HashEngine } from './hasher.ts';

/** Digests of 102,400 bytes, byte j = j mod 251 (the longest input of BLAKE3's own test vectors: all of its tree and SIMD paths), and of nothing. */
const KNOWN: Readonly<Record<DigestAlgorithm, readonly [pattern: string, empty: string]>> = {
  blake3: ['bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085', 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262'],
  sha256: ['74588b7f0bcc354ac14d9cf199fa3a20c05f0c7293b9075b2f2e146e718de800', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
};

async function passesKnownAnswer(engine: HashEngine): Promise<boolean> {
  const pattern = Buffer.from(Array.from({ length: 102_400 }, (_, j) => j % 251));
  const [ofPattern, ofNothing] = KNOWN[engine.algorithm];
  const hasher = await engine.hasher();
  hasher.update(pattern.subarray(0, 1000));
  hasher.update(pattern.subarray(1000));
  return hasher.finish() === ofPattern && hasher.finish() === ofNothing; // the second also shows that `finish` empties
}

/** The first of `candidates` that gives the known answer. Throws E_INTERNAL where none does: then nothing is digested. */
export async function firstTrustworthy(algorithm: DigestAlgorithm, candidates: readonly HashEngine[]): Promise<HashEngine> {
  for (const engine of candidates) {
    if (await passesKnownAnswer(engine)) return engine;
  }
  throw new WeightlockError('E_INTERNAL', `${algorithm} fails its known-answer test in this process`, { next: 'Use the pinned Node and the dependencies of the lock file.' });
}

/** The engine of `algorithm` for this process: for BLAKE3 the native one where its addon loads, else WASM. Throws E_INTERNAL. */
export async function chooseHash(algorithm: DigestAlgorithm): Promise<HashEngine> {
  if (algorithm === 'sha256') return firstTrustworthy(algorithm, [sha256Engine]);
  const native = await nativeBlake3();
  return firstTrustworthy(algorithm, native === null ? [blake3WasmEngine] : [native, blake3WasmEngine]);
}
