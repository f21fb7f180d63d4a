import { describe, expect, test } from '@jest/globals';
import type { Load } from '../../../operator/reconcile/load.ts';
import { CREATED, DENIED, FAILED, FINISHED, LOADED, LOADING, OUTCOME, pod, type PodShape, terminated } from './pods.ts';

const load = (shape: PodShape): Load => {
  const [only] = pod(shape).loads;
  if (only === undefined) throw new Error('no load');
  return only;
};

describe('a decryptor', () => {
  test('that has no status yet, or waits for its turn, is loading and has not started', () => {
    for (const shape of [{}, { status: {} }, { status: { state: { waiting: { reason: 'PodInitializing' } } } }]) {
      expect(load(shape)).toMatchObject({ model: 'llama', container: 'weightlock-llama', phase: 'Loading', waiting: true, since: CREATED, attempts: 1 });
    }
  });

  test('that runs is loading', () => {
    expect(load(LOADING)).toMatchObject({ phase: 'Loading', waiting: false, since: '2026-11-23T02:00:10Z', failure: undefined });
  });

  test('that ended well holds the model, with what it reported', () => {
    expect(load(LOADED)).toMatchObject({ phase: 'Ready', since: FINISHED, failure: undefined, outcome: OUTCOME });
  });

  test('that ended well without a report still holds the model: the exit code is the word of the kubelet', () => {
    expect(load({ status: { state: terminated(0) } })).toMatchObject({ phase: 'Ready', outcome: undefined });
  });

  test('that failed says its own code and message, in back-off as well as between', () => {
    const failure = { code: 'E_KMS_DENIED', message: DENIED.message };
    expect(load({ status: { state: terminated(30, DENIED) } })).toMatchObject({ phase: 'Failed', since: FINISHED, failure });
    expect(load(FAILED)).toMatchObject({ phase: 'Failed', since: FINISHED, failure, attempts: 3 });
  });

  test('that tries again is loading, and what went wrong the last time is not forgotten', () => {
    const again = { status: { state: { running: { startedAt: '2026-11-23T02:01:00Z' } }, lastState: terminated(30, DENIED), restartCount: 1 } };
    expect(load(again)).toMatchObject({ phase: 'Loading', failure: { code: 'E_KMS_DENIED' }, attempts: 2 });
  });

  test('with an image that is not ours is believed its exit code and not a word more', () => {
    const forged = `registry.example/other@sha256:${'e'.repeat(64)}`;
    expect(load({ ...LOADED, image: forged })).toMatchObject({ phase: 'Ready', outcome: undefined });
    expect(load({ ...LOADED, image: 'registry.example/weightlock-decryptor:latest' }).outcome).toBeUndefined();
    expect(load({ status: { state: terminated(30, DENIED) }, image: forged }).failure?.code).toBe('Error');
  });

  test('whose image came from a mirror is ours by its digest', () => {
    expect(load({ ...LOADED, image: `mirror.local/cache/decryptor@sha256:${'d'.repeat(64)}` }).outcome).toEqual(OUTCOME);
  });

  test('that reports success and failure at once failed: a report of success does not outweigh the exit code', () => {
    expect(load({ status: { state: terminated(1, OUTCOME) } })).toMatchObject({ phase: 'Failed', failure: { code: 'Error' } });
  });

  test.each([
    ['was killed at its memory limit', { state: terminated(137, undefined, 'OOMKilled') }, 'E_MEMORY_LIMIT', 'overheadBytes'],
    ['was killed otherwise', { state: terminated(137) }, 'Error', 'exit code 137'],
    ['ended without a report', { state: terminated(139, 'Segmentation fault') }, 'Error', 'kubectl logs'],
    ['has no image', { state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling' } } }, 'ImagePullBackOff', 'image.decryptor'],
    ['lacks its Secret', { state: { waiting: { reason: 'CreateContainerConfigError', message: 'secret "s3" not found' } } }, 'CreateContainerConfigError', 'secret "s3" not found'],
    ['cannot be started', { state: { waiting: { reason: 'RunContainerError', message: 'exec format error' } } }, 'RunContainerError', 'exec format error'],
  ])('that %s says so, and what to do', (_what, status, code, words) => {
    const { phase, failure } = load({ status });
    expect({ phase, code: failure?.code }).toEqual({ phase: 'Failed', code });
    expect(failure?.message).toContain(words);
    expect(failure?.message).toMatch(/\b(See|Raise|Let|Make)\b/);
  });

  test("passes on no more than a few hundred characters of the runtime's own words", () => {
    const { failure } = load({ status: { state: { waiting: { reason: 'CreateContainerError', message: 'x'.repeat(5000) } } } });
    expect(failure?.message.length).toBeLessThan(700);
  });
});

describe('a pod', () => {
  test('with two models has two loads, and containers that are not ours are none', () => {
    const observed = pod();
    expect(observed.loads).toHaveLength(1);
    expect(observed).toMatchObject({ node: 'node1', ended: false, leaving: false, memoryUnlimited: false, controller: undefined });
  });

  test('is unlimited where one container has no memory limit', () => {
    expect(pod({ limits: { cpu: '1' } }).memoryUnlimited).toBe(true);
    expect(pod({ limits: { memory: '0' } }).memoryUnlimited).toBe(true);
  });

  test('is limited by its own limit, whatever its containers have', () => {
    expect(pod({ limits: { cpu: '1' }, podLimits: { memory: '64Gi' } }).memoryUnlimited).toBe(false);
    expect(pod({ limits: { cpu: '1' }, podLimits: { cpu: '8' } }).memoryUnlimited).toBe(true);
  });
});
