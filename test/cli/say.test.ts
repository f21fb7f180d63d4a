import { expect, test } from '@jest/globals';
import { createSay, type Output } from '../../cli/say.ts';
import { asWeightlockError, WeightlockError } from '../../core/errors.ts';

function listen(output: Output) {
  const out: string[] = [];
  const screen: string[] = [];
  const say = createSay(output, (text) => out.push(text), { write: (text) => void screen.push(text), terminal: false, columns: () => 80 }, () => 0);
  return { say, out, screen };
}

test('a failure names code, what happened and the next step to people, and on stdout only where JSON was asked for', () => {
  const error = new WeightlockError('E_KMS_DENIED', 'KMS refused', { next: 'Ask for the grant.' });
  const people = listen('text');
  people.say.failure('weightlock seal', error);
  expect(people).toMatchObject({ out: [], screen: ['weightlock seal: E_KMS_DENIED: KMS refused\n', '  next: Ask for the grant.\n'] });
  const program = listen('json');
  program.say.failure('weightlock seal', error);
  expect(program.screen).toEqual(people.screen);
  expect(program.out.map((text) => JSON.parse(text) as unknown)).toEqual([{ error: { code: 'E_KMS_DENIED', class: 'kms', exit: 30, disposition: 'wait', message: 'KMS refused', next: 'Ask for the grant.' } }]);
});

test('a foreign word stays within its line', () => {
  const { say, screen } = listen('text');
  say.failure('weightlock', new WeightlockError('E_SCHEMA', 'the store says "x\u001b[2K\nweightlock: all is well"'));
  expect(screen).toEqual([String.raw`weightlock: E_SCHEMA: the store says "x\u001b[2K\u000aweightlock: all is well"` + '\n']);
});

test('a defect shows where it happened', () => {
  const { say, screen } = listen('text');
  say.failure('weightlock', asWeightlockError(new TypeError('of undefined')));
  expect(screen.slice(0, 3)).toEqual(['weightlock: E_INTERNAL: of undefined\n', expect.stringMatching(/^ {2}next: .*report/), 'TypeError: of undefined\n']);
  expect(screen.length).toBeGreaterThan(4);
  expect(screen.slice(3).every((text) => /^ {4}at [^\n]*\n$/.test(text))).toBe(true);
});

test('a result is one text, or one JSON document, and an empty text is none', () => {
  const { say, out } = listen('text');
  say.result('', []);
  say.result('a\nb', {});
  expect(out).toEqual(['a\nb\n']);
});
