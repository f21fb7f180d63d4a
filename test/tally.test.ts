import { describe, expect, test } from '@jest/globals';
import { tally } from './tally.ts';
import type { JestReport } from './tally.ts';

const WELL = { status: 'exit status 0', succeeded: true };
const BADLY = { status: 'killed by SIGKILL', succeeded: false };
const report = (status: string, ...tests: readonly string[]): JestReport => ({
  testResults: [
    {
      name: 'a.test.ts',
      status,
      message: 'Cannot find module',
      assertionResults: tests.map((outcome) => ({ status: outcome, fullName: `one that ${outcome}`, failureMessages: ['because'] })),
    },
  ],
});

describe('the summary of a test run', () => {
  test('counts what passed and names what failed', () => {
    expect(tally('unit', BADLY, report('failed', 'passed', 'failed', 'passed'))).toEqual({
      passed: 2,
      failures: [{ name: 'one that failed', message: 'because' }],
    });
  });
  test('fails for a runner that left no report', () => {
    expect(tally('unit', BADLY, undefined).failures).toEqual([{ name: 'unit: the runner', message: 'wrote no report: killed by SIGKILL' }]);
  });
  test('fails for a runner that ended badly although every test passed', () => {
    expect(tally('e2e', BADLY, report('passed', 'passed')).failures).toHaveLength(1);
  });
  test('fails for a file that could not be loaded', () => {
    expect(tally('unit', BADLY, report('failed')).failures).toEqual([{ name: 'a.test.ts', message: 'Cannot find module' }]);
  });
  test('fails where there was no test', () => {
    expect(tally('e2e', WELL, { testResults: [] }).failures).toHaveLength(1);
  });
  test('fails for a test that was skipped', () => {
    expect(tally('unit', WELL, report('passed', 'passed', 'pending')).failures).toEqual([
      { name: 'one that pending', message: 'pending: a test that does not run proves nothing' },
    ]);
  });
  test('is content with a run in which everything passed', () => {
    expect(tally('unit', WELL, report('passed', 'passed', 'passed'))).toEqual({ passed: 2, failures: [] });
  });
});
