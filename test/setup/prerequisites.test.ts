import { expect, test } from '@jest/globals';
import { inspectMachine, obstacles } from '../../setup/prerequisites.ts';
import type { Machine } from '../../setup/prerequisites.ts';

const GiB = 1024 ** 3;
const GOOD: Machine = { platform: 'linux-x64', uid: 0, go: 'go1.26.0', python: 'Python 3.11.2', ensurePip: true, dpkg: true, namespaces: true, memoryBytes: 8 * GiB, diskBytes: 40 * GiB, warm: false };

test('a machine that brings all along has nothing in its way', () => {
  expect(obstacles(GOOD)).toEqual([]);
});

test.each<[string, Partial<Machine>, RegExp]>([
  ['another platform', { platform: 'darwin-arm64' }, /Linux on amd64.*darwin-arm64/],
  ['no root', { uid: 1000 }, /root is needed.*sudo/],
  ['no Debian', { dpkg: false }, /Debian or Ubuntu/],
  ['no namespaces', { namespaces: false }, /namespaces and control groups.*privileged container/],
  ['no Go', { go: undefined }, /Go 1\.26.*there is none/],
  ['an old Go', { go: 'go1.25.9' }, /Go 1\.26.*go1\.25\.9/],
  ['no Python', { python: undefined }, /Python 3\.10.*there is none/],
  ['an old Python', { python: 'Python 3.9.2' }, /Python 3\.10.*3\.9\.2/],
  ['little memory', { memoryBytes: 2 * GiB }, /5\.0 GiB of free memory.*2\.0 GiB/],
  ['a full disk', { diskBytes: GiB }, /12\.0 GiB of free disk.*1\.0 GiB/],
])('%s is said, with what is needed and what there is', (_, change, message) => {
  const found = obstacles({ ...GOOD, ...change });
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(message);
});

test('everything that is wrong is said at once', () => {
  expect(obstacles({ ...GOOD, uid: 1, go: undefined, diskBytes: 0 })).toHaveLength(3);
});

test('newer major versions do', () => {
  expect(obstacles({ ...GOOD, go: 'go2.0', python: 'Python 4.0.1' })).toEqual([]);
});

test('memory and disk are asked for only while something must be compiled', () => {
  expect(obstacles({ ...GOOD, warm: true, memoryBytes: 0, diskBytes: 0 })).toEqual([]);
});

test('this machine is seen as it is', async () => {
  const machine = await inspectMachine(false);
  expect(machine).toMatchObject({ platform: `${process.platform}-${process.arch}`, uid: process.getuid?.(), namespaces: true });
  expect(machine.memoryBytes).toBeGreaterThan(0);
  expect(machine.diskBytes).toBeGreaterThan(0);
});
