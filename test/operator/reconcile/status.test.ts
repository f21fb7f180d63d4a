import { describe, expect, test } from '@jest/globals';
import type { EncryptedModelStatus } from '../../../core/api/encrypted-model.ts';
import { WeightlockError } from '../../../core/errors.ts';
import { consumersOf } from '../../../operator/reconcile/consumers.ts';
import { type Knowledge, statusOf } from '../../../operator/reconcile/status.ts';
import { DENIED, FAILED, LOADED, LOADING, OUTCOME, pod, type PodShape, terminated } from './pods.ts';

const NOW = '2026-11-23T03:00:00Z';
const LATER = '2026-11-23T04:00:00Z';
const status = (shapes: readonly PodShape[], more: Partial<Knowledge> = {}): EncryptedModelStatus =>
  statusOf({ generation: 2, problem: undefined, secret: 's3', consumers: consumersOf('llama', shapes.map(pod)), before: undefined, now: NOW, ...more });
const condition = (of: EncryptedModelStatus, type: string) => of.conditions?.find((one) => one.type === type);

describe('the status of a model', () => {
  test('without pods is ready, and says that nobody carries it', () => {
    expect(status([])).toEqual({
      conditions: [
        { type: 'Ready', status: 'True', reason: 'Accepted', message: expect.any(String), lastTransitionTime: NOW, observedGeneration: 2 },
        { type: 'Reconciling', status: 'False', reason: 'Observed', message: expect.any(String), lastTransitionTime: NOW, observedGeneration: 2 },
        { type: 'Stalled', status: 'False', reason: 'Accepted', message: expect.any(String), lastTransitionTime: NOW, observedGeneration: 2 },
        { type: 'ConsumersHealthy', status: 'True', reason: 'NoConsumers', message: expect.any(String), lastTransitionTime: NOW, observedGeneration: 2 },
      ],
      consumers: { ready: 0, loading: 0, failed: 0 },
      pods: [],
    });
  });

  test('stays ready whatever becomes of its pods', () => {
    for (const shape of [LOADED, LOADING, FAILED]) expect(condition(status([shape]), 'Ready')?.status).toBe('True');
  });

  test('with something wrong in the spec is not ready and stalled, with the code and the next step', () => {
    const problem = new WeightlockError('E_ENDPOINT_REFUSED', 'http://10.0.0.1 would get credentials over unencrypted HTTP', { next: 'Use https.' });
    const stalled = status([], { problem });
    const wrong = { reason: 'E_ENDPOINT_REFUSED', message: 'http://10.0.0.1 would get credentials over unencrypted HTTP. Use https.' };
    expect(condition(stalled, 'Ready')).toMatchObject({ status: 'False', ...wrong });
    expect(condition(stalled, 'Stalled')).toMatchObject({ status: 'True', ...wrong });
  });

  test('names what failed where, with its message', () => {
    const failing = status([LOADED, { ...FAILED, name: 'llama-1' }, { ...LOADING, name: 'llama-2' }]);
    expect(condition(failing, 'ConsumersHealthy')).toMatchObject({ status: 'False', reason: 'E_KMS_DENIED', message: `1 of 3 pods cannot load it: E_KMS_DENIED in pod llama-1: ${DENIED.message}` });
    expect(failing.consumers).toEqual({ ready: 1, loading: 1, failed: 1 });
    expect(failing.pods?.[0]).toEqual({ name: 'llama-1', node: 'node1', phase: 'Failed', code: 'E_KMS_DENIED', since: '2026-11-23T02:00:30Z' });
  });

  test('does not flap while a pod tries again', () => {
    const again: PodShape = { status: { state: { running: {} }, lastState: terminated(30, DENIED), restartCount: 1 } };
    expect(condition(status([again]), 'ConsumersHealthy')).toMatchObject({ status: 'False', reason: 'E_KMS_DENIED' });
  });

  test.each([
    ['loads', LOADING, 'Loading', '1 of 1 pods still load it'],
    ['waits to be set up', {}, 'Starting', 'It mounts the Secret s3, which must be there. Where that lasts, kubectl describe pod llama-0 -n serving says why.'],
    ['has no node', { unschedulable: true }, 'Unschedulable', 'no node takes pod llama-0'],
  ])('is undecided while a pod %s', (_what, shape: PodShape, reason, words) => {
    const found = condition(status([shape]), 'ConsumersHealthy');
    expect(found).toMatchObject({ status: 'Unknown', reason });
    expect(found?.message).toContain(words);
  });

  test('tells integers, and what the pods reported', () => {
    const loaded = status([LOADED]);
    expect(loaded.pods).toEqual([{ name: 'llama-0', node: 'node1', phase: 'Ready', bytes: 91_000_000, seconds: 28, since: '2026-11-23T02:00:30Z' }]);
    expect(condition(loaded, 'ConsumersHealthy')).toMatchObject({ status: 'True', reason: 'Loaded' });
  });

  test('tells the key of the latest load, and keeps it when the pods are gone', () => {
    const earlier = { ...OUTCOME, key: { provider: 'aws-kms', id: 'old' }, unwrappedAt: '2026-11-22T00:00:00.5Z' };
    const key = { provider: 'aws-kms', id: OUTCOME.key?.id, lastUnwrap: OUTCOME.unwrappedAt };
    const loaded = status([{ status: { state: terminated(0, earlier) }, name: 'a' }, { ...LOADED, name: 'b' }]);
    expect(loaded.key).toEqual(key);
    expect(status([], { before: loaded }).key).toEqual(key);
  });

  test('lists fifty pods, those in trouble among them', () => {
    const many = Array.from({ length: 120 }, (_, i): PodShape => ({ ...(i === 119 ? FAILED : LOADED), name: `pod-${String(i).padStart(3, '0')}` }));
    const full = status(many);
    expect(full.pods).toHaveLength(50);
    expect(full.pods?.[0]?.name).toBe('pod-119');
    expect(full.consumers).toEqual({ ready: 119, loading: 0, failed: 1 });
  });

  test('moves the time of a transition only where the status of a condition changes', () => {
    const first = status([LOADING]);
    const second = status([FAILED], { before: first, now: LATER, generation: 3 });
    expect(condition(second, 'ConsumersHealthy')?.lastTransitionTime).toBe(LATER);
    expect(condition(second, 'Ready')).toMatchObject({ lastTransitionTime: NOW, observedGeneration: 3 });
    const third = status([{ ...FAILED, name: 'another' }], { before: second, now: '2026-11-23T05:00:00Z' });
    expect(condition(third, 'ConsumersHealthy')?.lastTransitionTime).toBe(LATER);
  });
});
