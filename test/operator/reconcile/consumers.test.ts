import { describe, expect, test } from '@jest/globals';
import { consumersOf } from '../../../operator/reconcile/consumers.ts';
import { FAILED, LOADED, LOADING, pod, type PodShape } from './pods.ts';

const names = (...shapes: readonly PodShape[]): readonly string[] => consumersOf('llama', shapes.map(pod)).map(({ pod: { metadata } }) => metadata.name);

describe('the consumers of a model', () => {
  test('are listed with those in trouble first', () => {
    expect(names({ ...LOADED, name: 'c' }, { ...LOADING, name: 'b' }, { ...FAILED, name: 'z' }, { ...FAILED, name: 'a' })).toEqual(['a', 'z', 'b', 'c']);
  });

  test('are not the pods of other models', () => {
    expect(consumersOf('other', [pod(LOADED)])).toEqual([]);
  });

  test('are no pods that are over: they hold nothing', () => {
    expect(names({ ...LOADED, phase: 'Succeeded' })).toEqual([]);
    expect(names({ ...LOADED, phase: 'Failed' })).toEqual([]); // the server's own failure, not ours
  });

  test('hold the model until they are gone, also while they leave', () => {
    expect(names({ ...LOADED, leaving: true })).toEqual(['llama-0']);
    expect(names({ ...LOADING, leaving: true })).toEqual([]);
    expect(names({ ...FAILED, leaving: true })).toEqual([]);
  });

  test("remember a Job's failed pod until its controller has made a newer one", () => {
    const failed: PodShape = { ...FAILED, name: 'job-1', phase: 'Failed', controller: 'job', createdAt: '2026-11-23T01:00:00Z' };
    expect(names(failed)).toEqual(['job-1']);
    expect(names(failed, { ...LOADED, name: 'job-2', controller: 'job' })).toEqual(['job-2']);
    expect(names(failed, { ...LOADED, name: 'other', controller: 'another job' })).toEqual(['job-1', 'other']);
    expect(names({ ...failed, name: 'bare' }, failed).length).toBe(2);
  });
});
