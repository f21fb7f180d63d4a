// The decryptor's configuration: from WEIGHTLOCK_CONFIG or --config FILE, held to a closed schema. Nothing else here sees the environment.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { DecryptorConfig } from '../core/api/decryptor-config.ts';
import { CONFIG_VARIABLE, TERMINATION_LOG } from '../core/api/names.ts';
import { WeightlockError } from '../core/errors.ts';
import { parseDecryptorConfig } from './config-schema.ts';

export interface Invocation {
  readonly mode: 'load' | 'check';
  readonly configPath: string | null;
  /** Where the outcome goes, if that file exists: in Kubernetes the termination message. */
  readonly outcomePath: string;
}

const USAGE = `weightlock-decryptor [--check] [--config FILE] [--outcome FILE]

  loads one model into target.path and publishes it as model/ there, or with --check only opens its manifest.
  --config FILE    the configuration (weightlock.decryptor/1.0); else the variable ${CONFIG_VARIABLE}
  --outcome FILE   an existing file that receives the outcome (weightlock.outcome/1.0); else ${TERMINATION_LOG}

  example: docker run --mount type=tmpfs,dst=/models -v ./model.json:/config.json weightlock-decryptor --config /config.json`;

/**
 * Takes away what would configure the AWS SDK beside the configuration: its variables and the files of a home folder. It also needs one to be named:
 * for a user without any (a numeric UID that the image doesn't know) os.homedir() throws in the middle of a request.
 */
export function closeEnvironment(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  process.env['HOME'] = '/nonexistent';
}

/** Throws E_USAGE. */
export function readArguments(argv: readonly string[]): Invocation {
  try {
    const { values } = parseArgs({ args: [...argv], options: { check: { type: 'boolean' }, config: { type: 'string' }, outcome: { type: 'string' } } });
    return { mode: values.check === true ? 'check' : 'load', configPath: values.config ?? null, outcomePath: values.outcome ?? TERMINATION_LOG };
  } catch (cause) {
    throw new WeightlockError('E_USAGE', cause instanceof Error ? cause.message : String(cause), { next: `Usage: ${USAGE}`, cause });
  }
}

/** Throws E_CONFIG. */
export function readConfig({ configPath }: Invocation): DecryptorConfig {
  const [bytes, what] = configPath === null ? fromEnvironment() : fromFile(configPath);
  return parseDecryptorConfig(bytes, what);
}

function fromEnvironment(): readonly [Buffer, string] {
  const text = process.env[CONFIG_VARIABLE];
  if (text === undefined) {
    const next = 'Admission sets it in Kubernetes; elsewhere give --config FILE.';
    throw new WeightlockError('E_CONFIG', `there is no configuration: ${CONFIG_VARIABLE} is not set`, { next });
  }
  return [Buffer.from(text), CONFIG_VARIABLE];
}

function fromFile(path: string): readonly [Buffer, string] {
  try {
    return [readFileSync(path), path];
  } catch (cause) {
    throw new WeightlockError('E_CONFIG', `cannot read the configuration ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

