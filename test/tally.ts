// What a jest run amounts to. A run that ended badly without a failed test to show for it is itself a failure, and so is a skipped test.

/** The part of jest's --json report that counts. */
export interface JestReport {
  readonly testResults: readonly {
    readonly name: string;
    /** Of the file: `failed` also where it could not even be loaded. */
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string; readonly failureMessages: readonly string[] | null }[];
  }[];
}

export interface Tally {
  readonly passed: number;
  readonly failures: readonly { readonly name: string; readonly message: string }[];
}

/** `ended` is the runner's own end; `report` what it wrote, absent where it did not come to that. */
export function tally(project: string, ended: { readonly status: string; readonly succeeded: boolean }, report: JestReport | undefined): Tally {
  if (report === undefined) return { passed: 0, failures: [{ name: `${project}: the runner`, message: `wrote no report: ${ended.status}` }] };
  const failures: { name: string; message: string }[] = [];
  let passed = 0;
  for (const file of report.testResults) {
    const failedBefore = failures.length;
    for (const { status, fullName, failureMessages } of file.assertionResults) {
      if (status === 'passed') passed += 1;
      else if (status === 'failed') failures.push({ name: fullName, message: firstLines((failureMessages ?? []).join('\n')) });
      else failures.push({ name: fullName, message: `${status}: a test that does not run proves nothing` });
    }
    if (file.status === 'failed' && failures.length === failedBefore) failures.push({ name: file.name, message: firstLines(file.message) });
  }
  if (passed + failures.length === 0) failures.push({ name: `${project}: the runner`, message: 'ran no test' });
  if (!ended.succeeded && failures.length === 0)
    failures.push({ name: `${project}: the runner`, message: `every test passed, yet it ended with ${ended.status}` });
  return { passed, failures };
}

const SUMMARY_LINES = 12; // the whole of it stands above, where the test failed

function firstLines(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.slice(0, SUMMARY_LINES).join('\n');
}
