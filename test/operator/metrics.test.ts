import { describe, expect, test } from '@jest/globals';
import { Store } from '../../operator/kube/store.ts';
import { createMetrics, endedLoads, type Metrics } from '../../operator/metrics.ts';
import type { ObservedPod } from '../../operator/reconcile/pod.ts';
import type { StoredModel } from '../../operator/reconcile/reconcile-model.ts';
import { DENIED, FAILED, LOADED, LOADING, pod, terminated } from './reconcile/pods.ts';

const stores = { models: new Store<StoredModel>(() => []), pods: new Store<ObservedPod>(() => []) };
const metrics = (): Metrics => createMetrics({ ...stores, queueDepth: () => 3, certificate: () => undefined });
const page = async (of: Metrics): Promise<string> => (await of.page()).text;

const codes = (before: ObservedPod | undefined, after: ObservedPod): readonly (string | undefined)[] => endedLoads(before, after).map(({ failure }) => failure?.code ?? 'OK');

describe('the metrics', () => {
  test('count admissions by result and reason', async () => {
    const counted = metrics();
    counted.admission({ result: 'deny', reason: 'ModelNotFound', milliseconds: 2 });
    counted.admission({ result: 'deny', reason: 'ModelNotFound', milliseconds: 3 });
    const text = await page(counted);
    expect(text).toContain('weightlock_admission_reviews_total{result="deny",reason="ModelNotFound"} 2');
    expect(text).toContain('weightlock_admission_duration_seconds_bucket{le="0.0025"} 1');
    expect(text).toContain('weightlock_queue_depth 3');
  });

  test('count loads by code, and no word of a kubelet or a stranger becomes a label', async () => {
    const counted = metrics();
    for (const load of [...pod(LOADED).loads, ...pod(FAILED).loads, ...pod({ status: { state: terminated(1, 'x', 'WeirdReason"} 1\n') } }).loads]) counted.load(load);
    const text = await page(counted);
    expect(text).toContain('weightlock_loads_total{code="OK"} 1');
    expect(text).toContain('weightlock_loads_total{code="E_KMS_DENIED"} 1');
    expect(text).toContain('weightlock_loads_total{code="Other"} 1');
  });

  test('show the pods that run or will, as the cache has them now', async () => {
    const counted = metrics();
    stores.pods.put(pod({ ...LOADED, name: 'a' }));
    stores.pods.put(pod({ ...LOADED, name: 'b', phase: 'Succeeded' }));
    expect(await page(counted)).toContain('weightlock_pods{phase="Ready"} 1');
    stores.pods.remove('serving/a');
    expect(await page(counted)).toContain('weightlock_pods{phase="Ready"} 0');
  });
});

describe('loads that ended', () => {
  test('are those that were loading before, or ended anew', () => {
    expect(codes(pod(LOADING), pod(LOADED))).toEqual(['OK']);
    expect(codes(undefined, pod(LOADED))).toEqual(['OK']);
    const failed = pod({ status: { state: terminated(30, DENIED) } });
    expect(codes(pod(LOADING), failed)).toEqual(['E_KMS_DENIED']);
    expect(codes(failed, pod(FAILED))).toEqual([]); // the same end, now in back-off
    expect(codes(pod(LOADED), pod(LOADED))).toEqual([]);
    expect(codes(undefined, pod(LOADING))).toEqual([]);
    expect(codes(undefined, pod({ status: { state: { waiting: { reason: 'ImagePullBackOff' } } } }))).toEqual([]);
  });
});
