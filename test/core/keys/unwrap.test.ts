// Which wraps are tried, in which order, how often, and what is said when none works (format.md §6). Providers here are values of the interface, scripted
// to answer as key services do; attacks.test.ts runs the same function against a real KMS.
import { describe, expect, test } from '@jest/globals';
import { openLineage, type LineageId, newLineage } from '../../../core/envelope/lineage.ts';
import { type ErrorCode, WeightlockError } from '../../../core/errors.ts';
import { type AllowedKey, unwrapLineage, type WrapCandidate } from '../../../core/keys/unwrap.ts';
import type { KeyProvider, ProviderName, WrapContext } from '../../../core/keys/provider.ts';
import type { Pacing } from '../../../core/retry.ts';
import { SecretBytes } from '../../../core/secret-bytes.ts';
import { expectRejection } from '../refusal.ts';

const signal = new AbortController().signal;
const AT_ONCE: Pacing = { now: () => 0, random: () => 0, sleep: async (_, sleepSignal) => sleepSignal.throwIfAborted() };
const { dek, envelopeId, commitment } = newLineage();
const ID: LineageId = { envelopeId, commitment };
const GOOD = Buffer.from(dek.bytes);
const none: ReadonlyMap<string, string> = new Map();

interface Service extends KeyProvider {
  /** What it was asked: `key <- wrapped`. */
  readonly calls: string[];
  readonly contexts: WrapContext[];
  readonly handedOut: SecretBytes[];
}

/** Answers by the wrap's own text: `dek` = the DEK, `other` = another, `31` = 31 bytes, else a code, `CODE CODE dek` one a call. */
function service(key: string, provider: ProviderName = 'aws-kms'): Service {
  const answered = new Map<string, number>();
  const made: Service = {
    provider, key, calls: [], contexts: [], handedOut: [],
    wrap: async () => Buffer.alloc(0),
    unwrap: async (wrapped, context) => {
      const text = wrapped.toString();
      made.calls.push(`${key} <- ${text}`);
      made.contexts.push(context);
      const count = answered.get(text) ?? 0;
      answered.set(text, count + 1);
      const steps = text.split('#')[0]?.split(' ') ?? [];
      const step = steps[Math.min(count, steps.length - 1)] ?? '';
      const secret = step === 'dek' ? Buffer.from(GOOD) : step === 'other' ? Buffer.alloc(32, 9) : step === '31' ? Buffer.alloc(31, 9) : null;
      if (secret === null) throw new WeightlockError(step as ErrorCode, `planned ${step}`, { next: 'Nothing.' });
      const handed = SecretBytes.take(secret);
      made.handedOut.push(handed);
      return { dek: handed, requestId: `request-${made.calls.length}` };
    },
    close: () => undefined,
  };
  return made;
}
const wrap = (key: string, text: string, context = none, provider = 'aws-kms'): WrapCandidate => ({ provider, key, context, wrapped: Buffer.from(text) });
const allow = (key: KeyProvider, context: Readonly<Record<string, string>> = {}): AllowedKey => ({ key, context });
const unwrap = (wraps: readonly WrapCandidate[], ...allowed: readonly AllowedKey[]): ReturnType<typeof unwrapLineage> => unwrapLineage(ID, wraps, allowed, signal, AT_ONCE);

describe('the wraps that are tried', () => {
  test('are those under allowed keys, in the allow-list\'s order, whatever order the bucket has them in', async () => {
    const [a, b] = [service('a'), service('b')];
    const result = await unwrap([wrap('c', 'dek'), wrap('b', 'dek'), wrap('a', 'E_KMS_DENIED')], allow(a), allow(b));
    expect([...a.calls, ...b.calls]).toEqual(['a <- E_KMS_DENIED', 'b <- dek']);
    expect(result).toMatchObject({ provider: 'aws-kms', key: 'b', requestId: 'request-1' });
    expect(result.lineage.bodyKey.equals(openLineage(SecretBytes.take(Buffer.from(GOOD)), ID).bodyKey.bytes)).toBe(true);
  });

  test('68: never one under a key that isn\'t on the list, though the service would open it: E_NO_USABLE_WRAP', async () => {
    const a = service('a');
    await expectRejection('E_NO_USABLE_WRAP', unwrap([wrap('b', 'dek'), wrap('a', 'dek', none, 'local-file'), wrap('a ', 'dek'), wrap('A', 'dek')], allow(a)));
    expect(a.calls).toEqual([]);
  });

  test('carry the pairs that the policy names; those that don\'t are skipped uncounted', async () => {
    const a = service('a');
    const others = Array.from({ length: 10 }, (_, i) => wrap('a', `E_KMS_DENIED#${i}`, new Map([['tenant', 'evil']])));
    const result = await unwrap([...others, wrap('a', 'dek', new Map([['tenant', 'acme'], ['team', 'x']]))], allow(a, { tenant: 'acme' }));
    expect(a.calls).toEqual(['a <- dek']);
    expect(result.key).toBe('a');
    await expectRejection('E_NO_USABLE_WRAP', unwrap(others, allow(a, { tenant: 'acme' })));
  });

  test('go out with the full context: the reserved three and the wrap\'s own pairs', async () => {
    const a = service('a');
    await unwrap([wrap('a', 'dek', new Map([['tenant', 'acme']]))], allow(a));
    expect(Object.fromEntries(a.contexts[0] ?? [])).toEqual({ 'weightlock:v': '1', 'weightlock:envelope': envelopeId, 'weightlock:commit': commitment, tenant: 'acme' });
  });

  test('are tried once, though two entries admit them', async () => {
    const a = service('a');
    await expectRejection('E_KMS_DENIED', unwrap([wrap('a', 'E_KMS_DENIED')], allow(a), allow(a)));
    expect(a.calls).toHaveLength(1);
  });
});

describe('the budget', () => {
  test('69: 32 junk wraps before the good one cost four calls, and the good one is not reached', async () => {
    const a = service('a');
    const junk = Array.from({ length: 32 }, (_, i) => wrap('a', `E_KMS_CONTEXT#${i}`));
    await expectRejection('E_KMS_CONTEXT', unwrap([...junk, wrap('a', 'dek')], allow(a)));
    expect(a.calls).toHaveLength(4);
  });

  test('69: at worst it is twelve calls', async () => {
    const a = service('a');
    await expectRejection('E_KMS_THROTTLED', unwrap(Array.from({ length: 32 }, (_, i) => wrap('a', `E_KMS_THROTTLED#${i}`)), allow(a)));
    expect(a.calls).toHaveLength(12);
  });

  test.each(['E_KMS_THROTTLED', 'E_KMS_UNAVAILABLE'])('%s: the same wrap again, three times in all', async (code) => {
    const a = service('a');
    expect((await unwrap([wrap('a', `${code} ${code} dek`)], allow(a))).requestId).toBe('request-3');
    await expectRejection(code as ErrorCode, unwrap([wrap('a', `${code} ${code} ${code} dek`)], allow(a)));
  });

  test.each(['E_KMS_DENIED', 'E_KMS_NOT_FOUND', 'E_KMS_KEY_STATE', 'E_KMS_CONTEXT', 'E_WRAP_MALFORMED', 'E_CREDENTIALS', 'E_ENDPOINT_REFUSED'])('%s: the next wrap, at once', async (code) => {
    const a = service('a');
    await unwrap([wrap('a', code), wrap('a', 'dek')], allow(a));
    expect(a.calls).toEqual([`a <- ${code}`, 'a <- dek']);
  });
});

describe('what is said when none works', () => {
  test('67: another DEK: E_KEY_COMMITMENT, whatever else went wrong before and after', async () => {
    await expectRejection('E_KEY_COMMITMENT', unwrap([wrap('a', 'other')], allow(service('a'))));
    await expectRejection('E_KEY_COMMITMENT', unwrap([wrap('a', 'E_KMS_DENIED'), wrap('a', 'other'), wrap('a', 'E_KMS_THROTTLED')], allow(service('a'))));
  });
  test('27: two DEKs for one body: the wrong one is passed over, the right one is taken', async () => {
    expect((await unwrap([wrap('a', 'other'), wrap('b', 'dek')], allow(service('a')), allow(service('b')))).key).toBe('b');
  });
  test('67: 31 bytes: E_WRAP_MALFORMED', async () => expectRejection('E_WRAP_MALFORMED', unwrap([wrap('a', '31')], allow(service('a')))));
  test('what may pass by itself is told before what was refused, so that the caller tries again', async () => {
    await expectRejection('E_KMS_UNAVAILABLE', unwrap([wrap('a', 'E_KMS_UNAVAILABLE'), wrap('a', 'E_KMS_DENIED')], allow(service('a'))));
  });
  test('else the last word, with the others named', async () => {
    const error = await unwrap([wrap('a', 'E_KMS_DENIED'), wrap('a', 'E_KMS_KEY_STATE')], allow(service('a'))).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'E_KMS_KEY_STATE', next: 'Nothing.' });
    expect((error as Error).message).toContain('E_KMS_DENIED');
  });
  test('an envelope without wraps, an empty allow-list: E_NO_USABLE_WRAP, naming both sides', async () => {
    const error = await unwrap([wrap('theirs', 'dek', new Map([['tenant', 'x']]))], allow(service('ours'), { tenant: 'acme' })).catch((caught: unknown) => caught);
    expect((error as Error).message).toMatch(/"ours" with \{"tenant":"acme"\}.*"theirs" with \{"tenant":"x"\}/);
    await expectRejection('E_NO_USABLE_WRAP', unwrap([], allow(service('a'))));
    await expectRejection('E_NO_USABLE_WRAP', unwrap([wrap('a', 'dek')]));
  });
});

test('no DEK outlives the call, right or wrong', async () => {
  const a = service('a');
  await unwrap([wrap('a', 'other'), wrap('a', '31'), wrap('a', 'dek')], allow(a));
  expect(a.handedOut).toHaveLength(3);
  for (const secret of a.handedOut) expect(() => secret.bytes).toThrow('destroyed');
});

test('an abort is passed on, and no further wrap is tried', async () => {
  const controller = new AbortController();
  const a = service('a');
  const stopping: KeyProvider = { ...a, key: 'a', unwrap: async () => {
    controller.abort(new Error('stop'));
    throw controller.signal.reason;
  } };
  await expect(unwrapLineage(ID, [wrap('a', 'dek'), wrap('a', 'dek#2')], [allow(stopping)], controller.signal, AT_ONCE)).rejects.toThrow('stop');
  expect(a.calls).toEqual([]);
});
