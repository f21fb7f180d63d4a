// The project speaks of itself alone: nothing in it depends on the machine or the folder where somebody wrote it.
import { expect, test } from '@jest/globals';
import { files, read } from './sources.ts';

/** Of text, that is: a NUL byte says binary. */
const texts = files.map((path) => ({ path, text: read(path) })).filter(({ text }) => !text.includes('\0'));

/** Spelled in pieces, so that this file does not hold what it looks for. */
const FOREIGN: Readonly<Record<string, RegExp>> = {
  'a path of one machine': new RegExp(['', '(work|Users)', ''].join('/') + '[A-Za-z0-9_.-]+'),
  'a folder beside this repository': new RegExp(['\\.\\.', 'shared'].join('/')),
  'a package mirror': /https?:\/\/[^\s"']*(artifactory|nexus|verdaccio|devpi|goproxy)[^\s"']*/i,
  'a resolved URL of a package': new RegExp(['"resolved"', '"https?'].join(': ')),
  'a host of a build farm': new RegExp(['\\bfarm', '[a-z0-9]'].join('-')),
};

test.each(Object.entries(FOREIGN))('no file names %s', (_, pattern) => {
  expect(texts.flatMap(({ path, text }) => [...text.matchAll(new RegExp(pattern, 'g'))].map((found) => `${path}: ${found[0]}`))).toEqual([]);
});
