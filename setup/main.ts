// `make setup`: provides everything that the other tasks need and the machine lacks, says what and why, and says "cached" in a second when nothing is missing.
import { existsSync } from 'node:fs';
import { installDebianPackages } from './debian.ts';
import { ensure } from './made-once.ts';
import { inspectMachine, obstacles } from './prerequisites.ts';
import { lines } from './progress.ts';
import { cni, containerd, helm, inference, kubernetes, minilm, pause, python, versitygw } from './recipes.ts';
import { folderOf } from './recipe.ts';
import type { Recipe, Report } from './recipe.ts';

/** Compiling keeps every processor busy, downloading none: one lane each. Within a lane, what others wait for comes first. */
const LANES: readonly (readonly Recipe[])[] = [
  [versitygw, pause, cni, containerd, kubernetes, helm],
  [python, minilm, inference],
];

async function setUp(): Promise<void> {
  const say = lines(process.stderr);
  const step = async (name: string, why: string, work: (report: Report) => Promise<'cached' | 'made'>): Promise<void> => {
    const line = say(name, why);
    try {
      line.end(await work(line.report));
    } catch (error) {
      line.end('failed');
      throw error;
    }
  };
  const recipes = LANES.flat();
  const missing = recipes.filter((recipe) => !existsSync(folderOf(recipe)));
  const machine = await inspectMachine(missing.length === 0);
  const wrong = obstacles(machine);
  if (wrong.length > 0) throw new Error(`this machine cannot be set up:\n${wrong.map((text) => `  - ${text}`).join('\n')}`);
  if (missing.includes(kubernetes)) process.stderr.write('setup: Kubernetes, containerd and Helm are compiled once, some 12 minutes on two processors; later set-ups find them cached\n');
  await step('packages', 'Debian packages', (report) => installDebianPackages(machine.ensurePip, report));
  const ended = await Promise.allSettled(
    LANES.map(async (lane) => {
      for (const recipe of lane) await step(recipe.name, recipe.why, (report) => ensure(recipe, report));
    }),
  );
  const failures = ended.flatMap((lane) => (lane.status === 'rejected' ? [lane.reason as unknown] : []));
  if (failures.length > 0) throw new AggregateError(failures, failures.map((failure) => (failure instanceof Error ? failure.message : String(failure))).join('\n'));
}

try {
  await setUp();
} catch (error) {
  process.stderr.write(`setup: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
