// Writes docs/commands.md anew, after a help text changed.
import { writeFile } from 'node:fs/promises';
import { COMMANDS_PAGE, writtenFromProgram } from './commands-page.ts';

await writeFile(COMMANDS_PAGE, await writtenFromProgram());
