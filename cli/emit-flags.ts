// What `seal --emit` records beside what was sealed: the flags, what can be refused of them before hours of sealing, and the file itself.
import type { ModelSource } from '../core/api/decryptor-config.ts';
import { needs } from '../core/errors.ts';
import type { KeyEntry } from '../core/keys/provider.ts';
import { checkTotals, selectFiles } from '../core/opening/selection.ts';
import { checkEmitName, commandLineOnly, emitModel, nameOf } from '../core/publishing/emit.ts';
import type { SealedModel } from '../core/publishing/seal-model.ts';
import type { SourceFile } from '../core/publishing/source-file.ts';
import type { Option } from './arguments.ts';
import { checkEmitPath, writeEmitted } from './emit-file.ts';
import type { Say } from './say.ts';

export const EMIT_OPTIONS = {
  emit: { type: 'string', value: 'model.yaml', about: 'write the EncryptedModel that pins this version, ready to commit' },
  'emit-name': { type: 'string', value: 'NAME', about: 'its metadata.name (default: from --name and the sequence)' },
  namespace: { type: 'string', value: 'NAMESPACE', about: 'its metadata.namespace' },
  'service-account': { type: 'string', multiple: true, value: 'NAME', about: 'an account under which pods may have it decrypted' },
  'aws-role-arn': { type: 'string', value: 'ARN', about: 'the role that the decryptor assumes with a token of the pod\'s account' },
  'secret-ref': { type: 'string', value: 'NAME', about: 'the Secret with the decryptor\'s S3 and KMS credentials' },
  include: { type: 'string', multiple: true, value: 'GLOB', about: 'pods load these files only; all are sealed' },
  exclude: { type: 'string', multiple: true, value: 'GLOB', about: 'pods do not load these files; all are sealed' },
} as const satisfies Record<string, Option>;

export interface EmitValues {
  readonly emit: string | undefined;
  readonly 'emit-name': string | undefined;
  readonly namespace: string | undefined;
  readonly 'service-account': readonly string[];
  readonly 'aws-role-arn': string | undefined;
  readonly 'secret-ref': string | undefined;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** Before anything is sealed. Throws E_USAGE, E_IO, E_TARGET_BUSY. */
export async function checkEmitFlags(values: EmitValues, model: { readonly name: string }, source: ModelSource): Promise<void> {
  if (values.emit === undefined) return refuseWithoutEmit(values);
  needs(values['aws-role-arn'] === undefined || values['secret-ref'] === undefined, 'E_USAGE', '--aws-role-arn and --secret-ref exclude each other', 'Name one source of the decryptor\'s credentials.');
  if ('s3' in source) needs(source.s3.region !== undefined || source.s3.endpoint !== undefined, 'E_USAGE', `the region of the bucket ${source.s3.bucket} is not known here, and pods must know it`, 'Add --region, or set AWS_REGION.');
  if (values['emit-name'] === undefined) nameOf(model.name, 1);
  else checkEmitName(values['emit-name']);
  await checkEmitPath(values.emit);
}

/** A flag that would be recorded nowhere is a misunderstanding, most of all `--exclude`: it hides nothing from the store. */
function refuseWithoutEmit(values: EmitValues): void {
  const flag = (Object.keys(EMIT_OPTIONS) as (keyof EmitValues)[]).find((name) => (values[name]?.length ?? 0) > 0);
  needs(flag === undefined, 'E_USAGE', `--${flag} only says what --emit writes: every file of the folder is sealed`, 'Add --emit model.yaml, or leave it out.');
}

/** Throws E_TOTALS where the patterns choose nothing of `files`. */
export const checkPatterns = (values: EmitValues, files: readonly SourceFile[]): void => checkTotals(selectFiles(files, values), undefined);

export interface Emission {
  readonly sealed: SealedModel;
  readonly model: { readonly name: string; readonly version: string };
  readonly source: ModelSource;
  readonly keys: readonly KeyEntry[];
  readonly files: readonly SourceFile[];
}

/** Writes the file, if one was asked for. Throws E_IO, saying what was published all the same. */
export async function emit(values: EmitValues, emission: Emission, say: Say): Promise<void> {
  if (values.emit === undefined) return;
  const { 'emit-name': name, namespace, 'aws-role-arn': awsRoleArn, 'secret-ref': secretRef } = values;
  const yaml = emitModel({
    ...emission,
    patterns: values,
    serviceAccounts: values['service-account'],
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(awsRoleArn === undefined ? {} : { awsRoleArn }),
    ...(secretRef === undefined ? {} : { secretRef }),
  });
  await writeEmitted(values.emit, yaml, emission.sealed.digest);
  const only = commandLineOnly(emission.source, emission.keys);
  if (only.length > 0) say.warn(`${values.emit} holds ${only.join(' and ')}, which only the command line reads: a cluster will refuse it`);
}
