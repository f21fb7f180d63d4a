import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { COMMANDS } from '../../cli/commands.ts';
import { COMMANDS_PAGE, writtenFromProgram } from './commands-page.ts';

test('docs/commands.md is what the program says of itself', async () => {
  expect(await readFile(COMMANDS_PAGE, 'utf8')).toBe(await writtenFromProgram());
});

test('each command is named as its file is, and its lines fit a terminal of 160 columns', async () => {
  for (const listed of COMMANDS) {
    const { manual } = await listed.load();
    expect(manual.name).toBe(listed.name);
    for (const option of Object.values(manual.options)) expect(option.about.length).toBeLessThanOrEqual(110);
  }
});
