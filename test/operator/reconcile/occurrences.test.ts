import { describe, expect, test } from '@jest/globals';
import { consumersOf } from '../../../operator/reconcile/consumers.ts';
import { occurrencesOf } from '../../../operator/reconcile/occurrences.ts';
import { DENIED, FAILED, LOADED, LOADING, pod, type PodShape, terminated } from './pods.ts';

const SOON = Date.parse('2026-11-23T02:01:00Z');
const told = (shapes: readonly PodShape[], nowMs = SOON) =>
  occurrencesOf({ model: { namespace: 'serving', name: 'llama', uid: 'uid-of-llama' }, consumers: consumersOf('llama', shapes.map(pod)), nowMs });
const brief = (shapes: readonly PodShape[], nowMs?: number): readonly string[] => told(shapes, nowMs).map(({ regarding, reason, count }) => `${regarding.kind} ${regarding.name} ${reason} ${String(count)}`);

describe('what is told as Events', () => {
  test('is each failure, of its pod and of its model, with the next step', () => {
    expect(brief([FAILED])).toEqual(['Pod llama-0 E_KMS_DENIED 3', 'EncryptedModel llama E_KMS_DENIED 3']);
    expect(told([FAILED]).every(({ type, note }) => type === 'Warning' && note.includes('Grant kms:Decrypt.'))).toBe(true);
  });

  test('is of the model once for what hits many pods', () => {
    const many = ['a', 'b', 'c'].map((name): PodShape => ({ ...FAILED, name }));
    expect(brief(many).filter((line) => line.startsWith('EncryptedModel'))).toEqual(['EncryptedModel llama E_KMS_DENIED 9']);
  });

  test('does not count the try that runs', () => {
    expect(brief([{ status: { state: { running: {} }, lastState: terminated(30, DENIED), restartCount: 2 } }])).toEqual(['Pod llama-0 E_KMS_DENIED 2', 'EncryptedModel llama E_KMS_DENIED 2']);
  });

  test('is a load that succeeded just now, with the request that joins the log of the KMS', () => {
    expect(brief([LOADED])).toEqual(['Pod llama-0 ModelLoaded 1']);
    expect(told([LOADED])[0]?.note).toContain('(KMS request r-1)');
  });

  test('is no news of yesterday, but a failure that lasts is', () => {
    const tomorrow = SOON + 86_400_000;
    expect(brief([LOADED], tomorrow)).toEqual([]);
    expect(brief([FAILED], tomorrow)).toHaveLength(2);
  });

  test('is a pod whose memory nothing limits', () => {
    expect(brief([{ ...LOADING, limits: {} }])).toEqual(['Pod llama-0 MemoryUnlimited 1']);
  });
});
