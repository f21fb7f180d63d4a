// The status of a model as a function of what is known: nothing here asks anybody.
import type { EncryptedModelStatus } from '../../core/api/encrypted-model.ts';
import type { WeightlockError } from '../../core/errors.ts';
import { type Condition, conditionsOf } from './conditions.ts';
import type { Consumer } from './consumers.ts';

export interface Knowledge {
  readonly generation: number;
  readonly problem: WeightlockError | undefined;
  /** The Secret that its pods mount. */
  readonly secret: string | undefined;
  readonly consumers: readonly Consumer[];
  /** The status as it stands. */
  readonly before: EncryptedModelStatus | undefined;
  /** RFC 3339, to the second. */
  readonly now: string;
}

const PODS_LISTED = 50;
const MAX_INT32 = 2 ** 31 - 1;

export function statusOf(knowledge: Knowledge): EncryptedModelStatus & { readonly conditions: Condition[] } {
  const { consumers, before } = knowledge;
  const count = (phase: Consumer['load']['phase']): number => consumers.filter(({ load }) => load.phase === phase).length;
  const key = keyOf(consumers) ?? before?.key;
  return {
    conditions: conditionsOf(knowledge),
    ...(key === undefined ? {} : { key }),
    consumers: { ready: count('Ready'), loading: count('Loading'), failed: count('Failed') },
    pods: consumers.slice(0, PODS_LISTED).map(podOf),
  };
}

function podOf({ pod, load }: Consumer): NonNullable<EncryptedModelStatus['pods']>[number] {
  const { phase, since, failure, outcome } = load;
  const loaded = phase === 'Ready' ? outcome : undefined;
  return {
    name: pod.metadata.name,
    ...(pod.node === undefined ? {} : { node: pod.node }),
    phase,
    ...(loaded === undefined ? {} : { bytes: loaded.bytes, seconds: Math.min(MAX_INT32, Math.round(loaded.milliseconds / 1000)) }),
    ...(failure === undefined ? {} : { code: failure.code.slice(0, 64) }),
    since,
  };
}

/** Of the latest successful load that reported one. */
function keyOf(consumers: readonly Consumer[]): EncryptedModelStatus['key'] {
  let latest: NonNullable<EncryptedModelStatus['key']> | undefined;
  for (const { load } of consumers) {
    const { key, unwrappedAt } = (load.phase === 'Ready' ? load.outcome : undefined) ?? {};
    if (key === null || key === undefined || unwrappedAt === null || unwrappedAt === undefined) continue;
    if (latest?.lastUnwrap === undefined || Date.parse(unwrappedAt) > Date.parse(latest.lastUnwrap)) latest = { provider: key.provider, id: key.id, lastUnwrap: unwrappedAt };
  }
  return latest;
}
