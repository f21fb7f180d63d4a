// The wraps of a fresh DEK, one for each recipient, made before anything is uploaded: a missing grant is learned in a second, not after an hour.
import { needs } from '../errors.ts';
import { encryptionContext } from '../envelope/context.ts';
import type { Wrap } from '../envelope/envelope-file.ts';
import { MAX_WRAPS, MAX_WRAPPED_BYTES } from '../envelope/limits.ts';
import type { LineageId } from '../envelope/lineage.ts';
import type { KeyProvider } from '../keys/provider.ts';
import { retry, SMALL_REQUEST_RETRY } from '../retry.ts';
import type { SecretBytes } from '../secret-bytes.ts';

/** A KEK that will be able to open the model, and the publisher's own pairs that its wrap is bound to. */
export interface Recipient {
  readonly key: KeyProvider;
  readonly context: Readonly<Record<string, string>>;
}

/** Throws E_USAGE (none, one twice), E_LIMIT_WRAPS, E_SCHEMA (the context's pairs) and what the key services say. */
export async function wrapDek(dek: SecretBytes, lineage: LineageId, recipients: readonly Recipient[], signal: AbortSignal): Promise<readonly Wrap[]> {
  needs(recipients.length > 0, 'E_USAGE', 'no key is given to seal under', 'Give at least one --key.');
  needs(recipients.length <= MAX_WRAPS, 'E_LIMIT_WRAPS', `${recipients.length} keys are given; an envelope holds ${MAX_WRAPS}`, 'Seal under fewer keys.');
  const names = recipients.map(({ key }) => `${key.provider}:${key.key}`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  needs(twice === undefined, 'E_USAGE', `the key ${twice} is given twice`, 'Give each key once; two aliases may stand for one key.');
  const wraps: Wrap[] = [];
  for (const { key, context } of recipients) {
    const pairs = new Map(Object.entries(context));
    const wrapped = await retry(() => key.wrap(dek, encryptionContext(lineage, pairs), signal), SMALL_REQUEST_RETRY, signal);
    // §6: wrapped <= 4 KiB.
    needs(wrapped.length <= MAX_WRAPPED_BYTES, 'E_WRAP_MALFORMED', `${key.provider} returned a wrap of ${wrapped.length} bytes for ${key.key}; the limit is ${MAX_WRAPPED_BYTES}`);
    wraps.push({ provider: key.provider, key: key.key, context: pairs, wrapped });
  }
  return wraps;
}
