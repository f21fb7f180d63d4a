// `make test`: type check, lint, unit tests, tests on the embedded cluster; one summary. The last line is `N passed, N failed`; the exit
// status is 0 only when nothing failed. A runner that crashes, or reports no test at all, counts as a failure: silence is no success.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY } from '../build/config.ts';
import { tally } from './tally.ts';
import type { JestReport, Tally } from './tally.ts';

const NODE = process.execPath;
const JEST = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
const MINUTE_MS = 60_000;

interface Ended {
  readonly status: string;
  readonly succeeded: boolean;
  readonly output: string;
}

/** Runs a program to its end or its deadline and keeps its output; jest's stderr is its progress and is shown as it comes. */
async function run(command: readonly string[], limitMs: number, show: 'stderr' | 'nothing'): Promise<Ended> {
  const [program = '', ...rest] = command;
  const child = spawn(program, rest, { cwd: REPOSITORY, stdio: ['ignore', 'pipe', 'pipe'], timeout: limitMs, killSignal: 'SIGKILL' });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    if (show === 'stderr') process.stdout.write(chunk);
  });
  const status = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal === null ? `exit status ${code}` : `killed by ${signal}`));
  });
  return { status, succeeded: status === 'exit status 0', output: Buffer.concat(chunks).toString('utf8') };
}

async function check(name: string, command: readonly string[]): Promise<Tally> {
  const { status, succeeded, output } = await run(command, 10 * MINUTE_MS, 'nothing');
  return succeeded ? { passed: 1, failures: [] } : { passed: 0, failures: [{ name, message: `${status}\n${output}` }] };
}

async function tests(project: 'unit' | 'e2e', limitMs: number, ...options: string[]): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'weightlock-test-'));
  const file = join(folder, 'report.json');
  try {
    const { status, succeeded } = await run(
      [NODE, ...JEST, '--selectProjects', project, '--json', `--outputFile=${file}`, ...options],
      limitMs,
      'stderr',
    );
    return tally(project, { status, succeeded }, readReport(file));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(file: string): JestReport | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as JestReport;
  } catch {
    return undefined; // the runner did not live to write it: the tally says so
  }
}

// Most unit tests wait for servers, kills and clocks of other processes: twice as many workers as cores.
const STAGES: readonly (readonly [string, () => Promise<Tally>])[] = [
  ['type check', () => check('type check (tsc)', [NODE, 'node_modules/typescript/bin/tsc', '--noEmit'])],
  ['lint', () => check('lint (oxlint)', [NODE, 'node_modules/oxlint/bin/oxlint', '--type-aware'])],
  ['unit tests', () => tests('unit', 25 * MINUTE_MS, `--maxWorkers=${String(2 * availableParallelism())}`)],
  ['tests on the embedded cluster', () => tests('e2e', 60 * MINUTE_MS, '--runInBand')],
];

const totals = { passed: 0, failures: [] as Tally['failures'][number][] };
for (const [what, stage] of STAGES) {
  console.log(`test: ${what}`);
  const started = performance.now();
  const { passed, failures } = await stage();
  totals.passed += passed;
  totals.failures.push(...failures);
  console.log(`test: ${what}: ${passed} passed, ${failures.length} failed (${Math.round((performance.now() - started) / 1000)} s)`);
}
for (const { name, message } of totals.failures) console.log(`\n✗ ${name}\n${message.replace(/^/gm, '    ')}`);
if (totals.failures.length > 0) console.log('');
console.log(`${totals.passed} passed, ${totals.failures.length} failed`);
process.exitCode = totals.failures.length === 0 ? 0 : 1;
