import { performance } from 'node:perf_hooks';
import { describe, expect, test } from '@jest/globals';
import { decide } from '../../../core/injection/decide.ts';
import { asFolder } from '../../../core/injection/mount-path.ts';
import { readPod } from '../../../core/injection/read-pod.ts';
import { readFixture, SETTINGS } from './fixture.ts';

describe('the path of a mount', () => {
  test.each([
    ['/models/base', '/models/base/'],
    ['/models//base/', '/models/base/'],
    ['/models/./base', '/models/base/'],
    ['models', '/models/'],
    ['/', '/'],
  ])('%s is the folder %s', (path, folder) => {
    expect(asFolder(path)).toBe(folder);
  });

  const { models } = readFixture('bare-pod');
  const decided = (mountPath: string, more: readonly { readonly name: string; readonly mountPath: string }[] = []) => {
    const begun = performance.now();
    const decision = decide(
      readPod({
        metadata: { labels: { 'weightlock.dev/inject': 'true' }, annotations: { 'weightlock.dev/models': 'llama-ft-7' } },
        spec: { containers: [{ name: 'server', volumeMounts: [{ name: 'weightlock-llama-ft-7', mountPath }, ...more] }] },
      }),
      'serving',
      models,
      SETTINGS,
    );
    return { decision, milliseconds: performance.now() - begun };
  };

  test('made of slashes costs no more than any other of its length: one pod must not keep admission busy', () => {
    const cache = [{ name: 'cache', mountPath: '/cache' }];
    const plain = Math.max(...[1, 2, 3].map(() => decided(`/${'a'.repeat(80_000)}`, cache).milliseconds));
    expect(decided(`/a${'/'.repeat(80_000)}a`, cache).milliseconds).toBeLessThan(200 * plain);
  });

  test('is compared as the runtime resolves it: another spelling hides no model', () => {
    expect(decided('/models/base', [{ name: 'cache', mountPath: '/models/./base' }]).decision).toMatchObject({ kind: 'Deny', reason: 'BadMount' });
    expect(decided('/models/base', [{ name: 'cache', mountPath: '//models' }]).decision).toMatchObject({ kind: 'Deny', reason: 'BadMount' });
  });
});
