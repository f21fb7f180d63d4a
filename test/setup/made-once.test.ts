import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

const SETUP = join(import.meta.dirname, '../../setup');
let cache: string;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'weightlock-cache-'));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

type Maker = ChildProcessByStdio<Writable, Readable, null>;

/** A process of its own that makes a recipe: it writes `text`, then says `making`, then goes on when its standard input ends. */
function maker(text: string): Maker {
  const program = `
    import { writeFileSync } from 'node:fs';
    import { text } from 'node:stream/consumers';
    import { ensure } from ${JSON.stringify(join(SETUP, 'made-once.ts'))};
    const make = async (folder) => {
      writeFileSync(folder + '/content', ${JSON.stringify(text)});
      console.log('making');
      await text(process.stdin);
      writeFileSync(folder + '/whole', '');
    };
    console.log(await ensure({ name: 'thing', why: '', key: '0123456789abcdef', make }, () => {}));
    process.exit();`;
  return spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, WEIGHTLOCK_CACHE: cache } });
}

const says = async (child: Maker): Promise<string> => String((await once(child.stdout, 'data'))[0]).trim();
const found = (): string[] => readdirSync(join(cache, 'tools')).filter((name) => !name.endsWith('.lock'));
const content = (): string => readFileSync(join(cache, 'tools/thing-0123456789abcdef/content'), 'utf8');

test('what was made once is found the next time', async () => {
  const first = maker('first');
  expect(await says(first)).toBe('making');
  first.stdin.end();
  expect(await says(first)).toBe('made');
  expect(await says(maker('second'))).toBe('cached');
  expect(content()).toBe('first');
});

test('a maker killed half-way leaves nothing that is taken for whole, and does not block the next', async () => {
  const killed = maker('half');
  expect(await says(killed)).toBe('making');
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  expect(found()).not.toContain('thing-0123456789abcdef');
  const next = maker('next');
  expect(await says(next)).toBe('making');
  next.stdin.end();
  expect(await says(next)).toBe('made');
  expect(content()).toBe('next');
  expect(found()).toEqual(['thing-0123456789abcdef']); // the killed one's folder is gone
});

test('of two at once one makes, the other waits and takes the result', async () => {
  const first = maker('first');
  expect(await says(first)).toBe('making');
  const second = maker('second');
  const said = says(second);
  first.stdin.end();
  expect(await says(first)).toBe('made');
  expect(await said).toBe('cached');
  expect(content()).toBe('first');
});
