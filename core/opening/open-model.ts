// Steps 1-6 of the order of opening (format.md §8): from a policy and a prefix to an accepted manifest and its lineage's key.
import { chooseEngine } from '../engine/choose.ts';
import { openManifest } from '../envelope/sealed-manifest.ts';
import { unwrapLineage, type AllowedKey } from '../keys/unwrap.ts';
import { SYSTEM_PACING, type Pacing } from '../retry.ts';
import type { StoreReader } from '../stores/store.ts';
import { checkDenied, checkLineage, checkManifest, checkPolicy, pinnedBy } from './check-policy.ts';
import { readManifestObject } from './manifest-object.ts';
import type { OpenedModel } from './opened-model.ts';
import type { ReaderPolicy } from './policy.ts';
import { checkTotals, selectFiles } from './selection.ts';
import { readEnvelope, readLatest, readVersion } from './stored-version.ts';

/**
 * Reads version, envelope and manifest object, has the DEK unwrapped (one KMS call, normally), opens the manifest and holds it to `policy`.
 * Throws any code of §11's classes policy, store, kms, format, tamper, path; then no key is left.
 */
export async function openModel(
  policy: ReaderPolicy, store: StoreReader, keys: readonly AllowedKey[], signal: AbortSignal, pacing: Pacing = SYSTEM_PACING,
): Promise<OpenedModel> {
  // step 1
  checkPolicy(policy, keys.length);
  // steps 2 and 3; envelope and manifest object are both named by the version, so they are fetched together, and judged in their order
  const digest = policy.digest ?? (await readLatest(store, signal)).version;
  const version = await readVersion(digest, store, signal);
  const [envelope, object] = await together(signal, (both) => [
    readEnvelope(version, store, both).then((read) => {
      checkLineage(policy, digest, version.commitment);
      return read;
    }),
    readManifestObject(digest, version, store, both),
  ]);
  // step 4
  checkDenied(policy, digest, version.commitment);
  // step 5
  const { lineage, provider, key, requestId } = await unwrapLineage(version, envelope.wraps, keys, signal, pacing);
  const at = `${new Date(policy.now() * 1000).toISOString().slice(0, 19)}Z`;
  const destroy = (): void => lineage.bodyKey.destroy();
  try {
    // step 6
    const engine = chooseEngine();
    const manifest = openManifest(object, version, lineage.bodyKey, engine);
    checkManifest(policy, manifest);
    const selected = selectFiles(manifest.files, policy.files);
    checkTotals(selected, policy.expected);
    return { digest, manifest, selected, lineage, engine, unwrapped: { provider, key, requestId, at }, pinnedBy: pinnedBy(policy), destroy, [Symbol.dispose]: destroy };
  } catch (error) {
    destroy();
    throw error;
  }
}

/** Both or neither: a failure of the first comes before one of the second, whichever was faster, and nothing is left running. */
async function together<A, B>(signal: AbortSignal, start: (both: AbortSignal) => readonly [Promise<A>, Promise<B>]): Promise<[A, B]> {
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  const started = start(both);
  try {
    const [first, second] = await Promise.all([started[0], started[1].then((value) => ({ value }), (error: unknown) => ({ error }))]);
    if ('error' in second) throw second.error;
    return [first, second.value];
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(started);
    throw error;
  }
}
