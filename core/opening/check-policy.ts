// What a reader's policy must hold, and what it says of an opened manifest (format.md §1, §8 steps 1, 4 and 6). Pure.
import { needs, WeightlockError } from '../errors.ts';
import type { Manifest } from '../envelope/manifest.ts';
import type { ReaderPolicy } from './policy.ts';

/** Before anything is read. Throws E_POLICY_IDENTITY_REQUIRED, E_POLICY_KEY. `keys`: how many keys the reader allows. */
export function checkPolicy(policy: ReaderPolicy, keys: number): void {
  // §1: at least one of: manifest digest, lineage pin (§3), expected model.name
  needs(
    policy.digest !== undefined || policy.lineage !== undefined || policy.name !== undefined,
    'E_POLICY_IDENTITY_REQUIRED',
    'nothing says which model is expected: without a pin whoever writes the bucket chooses it',
    'State the manifest digest (--digest), the lineage pin (--lineage), or at least the model\'s name (--name).',
  );
  needs(keys > 0, 'E_POLICY_KEY', 'no key is allowed to open this model', 'Name the keys this reader accepts (--key, or keys in the configuration).');
}

/** The strongest pin that vouches for what is opened. `name`: only adversaries A1, A2 and A6 of §1 are held off, and people must be told. */
export const pinnedBy = ({ digest, lineage }: ReaderPolicy): 'digest' | 'lineage' | 'name' =>
  digest !== undefined ? 'digest' : lineage !== undefined ? 'lineage' : 'name';

/** §8 step 2: the lineage pin. Throws E_LINEAGE_MISMATCH. */
export function checkLineage(policy: ReaderPolicy, digest: string, commitment: string): void {
  needs(
    policy.lineage === undefined || policy.lineage === commitment,
    'E_LINEAGE_MISMATCH',
    `version ${digest} belongs to lineage ${commitment}, but ${policy.lineage} is pinned`,
    'Somebody replaced the model, or it was sealed again: compare with its publisher, then pin the new lineage.',
  );
}

/** §8 step 4: the deny-list, before the key service is asked. Throws E_REVOKED. */
export function checkDenied(policy: ReaderPolicy, digest: string, commitment: string): void {
  const denied = [digest, commitment].find((pin) => policy.denied?.includes(pin) === true);
  needs(denied === undefined, 'E_REVOKED', `${denied} is on the deny-list`, 'Use a version that was not revoked.');
}

const sameIdentity = (field: string, actual: string, expected: string | undefined): void =>
  needs(
    expected === undefined || actual === expected,
    'E_IDENTITY_MISMATCH',
    `the sealed manifest says its ${field} is ${JSON.stringify(actual)}, but ${JSON.stringify(expected)} is expected`,
    'Another model lies under this prefix, or the expectation is outdated: compare both.',
  );

/** §8 step 6: identity, sequence and expiry by the manifest's own values, before any file is asked for. Throws E_IDENTITY_MISMATCH, E_ROLLBACK, E_EXPIRED. */
export function checkManifest(policy: ReaderPolicy, { model, sequence, expires }: Manifest): void {
  sameIdentity('name', model.name, policy.name);
  sameIdentity('version', model.version, policy.version);
  needs(
    policy.minSequence === undefined || sequence >= policy.minSequence,
    'E_ROLLBACK',
    `this is sequence ${sequence} of ${model.name}; at least ${policy.minSequence} is demanded`,
    'Somebody may replay an old version: ask its publisher which one is current.',
  );
  if (expires !== null && policy.now() >= Date.parse(expires) / 1000) {
    const next = 'Use a newer version, or have this one sealed again with a later --expires.';
    throw new WeightlockError('E_EXPIRED', `${model.name} ${model.version} expired at ${expires}`, { next });
  }
}
