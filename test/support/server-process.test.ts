// Servers of tests end with the process that started them, even where that is killed.
import { expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { eventually } from './eventually.ts';

test('a server whose starter is killed ends', async () => {
  const program = `
    import { startServer } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'server-process.ts')).href)};
    const listen = "require('node:net').createServer().listen(Number(process.argv[1]), '127.0.0.1')";
    const { pid } = await startServer({ command: (port) => [process.execPath, '-e', listen, String(port)] });
    console.log(pid);
    setInterval(() => undefined, 1000);`;
  const starter = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(starter.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  expect(process.kill(pid, 0)).toBe(true);
  starter.kill('SIGKILL');
  await eventually(`the end of process ${pid}`, () => {
    try {
      return !process.kill(pid, 0);
    } catch {
      return true;
    }
  });
});
