// The decryptor: one model into one memory volume, then it ends. Exit status: 0, the class of the error (format.md §11), or 128 + signal.
import { constants } from 'node:os';
import type { DecryptorConfig } from '../core/api/decryptor-config.ts';
import type { Outcome } from '../core/api/outcome.ts';
import { asWeightlockError, WeightlockError } from '../core/errors.ts';
import { createLogger, type Logger } from '../core/log.ts';
import { VERSION } from '../core/version.ts';
import { checkModel } from './check.ts';
import { closeEnvironment, readArguments, readConfig, type Invocation } from './config.ts';
import { decryptModel } from './decrypt-model.ts';
import { encodeOutcome, writeOutcome } from './outcome.ts';
import { newReport, outcomeOf } from './report.ts';
import { keepMemoryOutOfCoreDumps } from './self-check.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

async function main(): Promise<number> {
  closeEnvironment();
  const safeDumps = keepMemoryOutOfCoreDumps();
  const invocation = readArguments(process.argv.slice(2));
  let config: DecryptorConfig;
  try {
    config = readConfig(invocation);
  } catch (error) {
    leave(invocation, outcomeOf(invocation.mode, null, newReport(), asWeightlockError(error), 0));
    throw error;
  }
  const log = createLogger(config.logLevel, process.stderr);
  try {
    if (!safeDumps) log.warn('/proc/self/coredump_filter cannot be written: a core dump of this process could hold weights');
    return await run(invocation, config, log);
  } finally {
    await log.close();
  }
}

async function run(invocation: Invocation, config: DecryptorConfig, log: Logger): Promise<number> {
  const { mode } = invocation;
  const ended = new AbortController();
  let caught: (typeof SIGNALS)[number] | undefined;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      caught ??= signal;
      ended.abort(new Error(`ended by ${signal}`));
    });
  }
  log.info(`weightlock-decryptor, ${mode}`, { version: VERSION, model: `${config.model.name}@${config.model.version}`, digest: config.manifest.digest });
  const report = newReport();
  const startedAt = performance.now();
  let failure: WeightlockError | null = null;
  try {
    await (mode === 'check' ? checkModel : decryptModel)(config, report, log, ended.signal);
  } catch (error) {
    if (caught !== undefined && !(error instanceof WeightlockError)) {
      log.warn(`ended by ${caught}; nothing of the model is left behind`, { bytes: report.bytes });
      return 128 + constants.signals[caught];
    }
    failure = asWeightlockError(error);
    log.error(failure.message, { code: failure.code, ...(failure.next === undefined ? {} : { next: failure.next }), ...stackOf(failure) });
  }
  const outcome = outcomeOf(mode, config, report, failure, performance.now() - startedAt);
  if (failure === null) log.info(outcome.message, { files: outcome.files, bytes: outcome.bytes, milliseconds: outcome.milliseconds });
  leave(invocation, outcome);
  return failure?.exit ?? 0;
}

/** To the termination message, and to stdout for those who have no Kubernetes. */
function leave({ outcomePath }: Invocation, outcome: Omit<Outcome, 'schema'>): void {
  const text = encodeOutcome(outcome);
  try {
    writeOutcome(outcomePath, text);
  } catch (error) {
    process.stderr.write(`cannot write the outcome to ${outcomePath}: ${String(error)}\n`); // what was done stays done
  }
  process.stdout.write(`${text}\n`);
}

/** Only a defect of ours needs its place in the code. */
const stackOf = (error: WeightlockError): { readonly stack?: string } => {
  const cause = error.cause instanceof Error ? error.cause.stack : undefined;
  return error.code === 'E_INTERNAL' && cause !== undefined ? { stack: cause } : {};
};

try {
  process.exit(await main());
} catch (error) {
  const { code, message, next, exit } = asWeightlockError(error);
  process.stderr.write(`${code}: ${message}\n${next === undefined ? '' : `${next}\n`}`);
  process.exit(exit);
}
