import { mkdirSync, rmdirSync, writeFileSync, existsSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { readCgroupMemory, type ReadText } from '../../init-decryptor/cgroup-memory.ts';
import { readSystemText } from '../../init-decryptor/self-check.ts';

const from = (files: Readonly<Record<string, string>>): ReadText => (path) => files[path] ?? null;
const V2_IN_A_POD = {
  '/proc/self/cgroup': '0::/\n',
  '/proc/self/mountinfo': '1 2 0:27 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate\n',
  '/sys/fs/cgroup/memory.max': '1073741824\n',
  '/sys/fs/cgroup/memory.current': '600\n',
  '/sys/fs/cgroup/memory.stat': 'anon 100\nfile 500\nshmem 300\ninactive_file 150\nactive_file 50\n',
};

const inGroup: ReadText = (path) => (path === '/proc/self/cgroup' ? `4:memory:/weightlock-test-${process.pid}\n` : readSystemText(path));

describe('the own cgroup', () => {
  test('version 2 in a container: what is charged is what cannot be had back', () => {
    expect(readCgroupMemory(from(V2_IN_A_POD))).toEqual({ limitBytes: 2 ** 30, chargedBytes: 400 });
  });

  test('version 2 without a namespace: the tightest limit on the way up counts', () => {
    const files = {
      ...V2_IN_A_POD,
      '/proc/self/cgroup': '0::/kubepods/pod1/c1\n',
      '/sys/fs/cgroup/memory.max': 'max\n',
      '/sys/fs/cgroup/kubepods/pod1/c1/memory.max': '2000\n',
      '/sys/fs/cgroup/kubepods/pod1/c1/memory.current': '100\n',
      '/sys/fs/cgroup/kubepods/pod1/memory.max': '3000\n',
      '/sys/fs/cgroup/kubepods/pod1/memory.current': '1500\n',
    };
    expect(readCgroupMemory(from(files))).toEqual({ limitBytes: 3000, chargedBytes: 1500 });
  });

  test('version 1 in a container whose membership names the host\'s path', () => {
    const files = {
      '/proc/self/cgroup': '4:memory:/kubepods/pod1/c1\n0::/\n',
      '/proc/self/mountinfo': '5 6 0:30 /kubepods/pod1/c1 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '5000\n',
      '/sys/fs/cgroup/memory/memory.usage_in_bytes': '4000\n',
      '/sys/fs/cgroup/memory/memory.stat': 'inactive_file 1\ntotal_inactive_file 700\ntotal_active_file 300\n',
    };
    expect(readCgroupMemory(from(files))).toEqual({ limitBytes: 5000, chargedBytes: 3000 });
  });

  test('version 1 without a limit says a number near 2^63, which is none', () => {
    const files = {
      '/proc/self/cgroup': '4:cpu,memory:/\n',
      '/proc/self/mountinfo': '5 6 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      '/sys/fs/cgroup/memory/memory.usage_in_bytes': '4000\n',
    };
    expect(readCgroupMemory(from(files))).toBeNull();
  });

  test('is unlimited where nothing can be seen', () => {
    expect(readCgroupMemory(from({}))).toBeNull();
  });

  const V1 = '/sys/fs/cgroup/memory';
  const real = existsSync(`${V1}/cgroup.procs`) ? test : test.skip;
  real('is found in this kernel\'s own files', () => {
    const group = `${V1}/weightlock-test-${process.pid}`;
    mkdirSync(group);
    try {
      writeFileSync(`${group}/memory.limit_in_bytes`, String(64 * 2 ** 20));
      expect(readCgroupMemory(inGroup)).toEqual({ limitBytes: 64 * 2 ** 20, chargedBytes: 0 });
    } finally {
      rmdirSync(group);
    }
  });
});
