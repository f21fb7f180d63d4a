import { expect, test } from '@jest/globals';
import { readSwap } from '../../../core/opening/swap.ts';

const SWAPS = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/sda2                               partition\t1048572\t\t0\t\t-2\n';
const MOUNTS = 'overlay / overlay rw 0 0\ntmpfs /models tmpfs rw,noswap,size=1g 0 0\ntmpfs /models/inner tmpfs rw 0 0\ntmpfs /with\\040blank tmpfs rw,noswap 0 0\n';
const read = (swaps: string) => (path: string): string | null => (path === '/proc/swaps' ? swaps : path === '/proc/self/mounts' ? MOUNTS : null);

test('a node without swap devices has none', () => {
  expect(readSwap('/models', read('Filename\tType\tSize\tUsed\tPriority\n'))).toEqual({ devices: [], noswap: true });
});
test('a mount over another one hides it', () => {
  const twice = `${MOUNTS}tmpfs /models tmpfs rw 0 0\n`;
  expect(readSwap('/models', (path) => (path === '/proc/swaps' ? SWAPS : twice)).noswap).toBe(false);
});
test('the mount that the target lies on decides, not one above or below it', () => {
  expect(readSwap('/models', read(SWAPS))).toEqual({ devices: ['/dev/sda2'], noswap: true });
  expect(readSwap('/models/deep', read(SWAPS)).noswap).toBe(true);
  expect(readSwap('/models/inner', read(SWAPS)).noswap).toBe(false);
  expect(readSwap('/models-else', read(SWAPS)).noswap).toBe(false);
  expect(readSwap('/with blank', read(SWAPS)).noswap).toBe(true);
});
