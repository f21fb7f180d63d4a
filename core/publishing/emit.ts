// The EncryptedModel of what was sealed: complete, ready to commit, and free of anything that a YAML reader could take for something else.
import { Document } from 'yaml';
import { API_GROUP, API_VERSION, KIND, SEQUENCE_ANNOTATION } from '../api/names.ts';
import type { ModelSource } from '../api/decryptor-config.ts';
import { needs } from '../errors.ts';
import type { KeyEntry } from '../keys/provider.ts';
import { checkTotals, selectFiles, totalsOf, type FilePatterns } from '../opening/selection.ts';
import type { SealedModel } from './seal-model.ts';
import type { SourceFile } from './source-file.ts';

/** crds/encryptedmodels.yaml: metadata.name. */
const NAME_LIMIT = 40;
const NAME = /^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/;

export interface EmitRequest {
  readonly sealed: SealedModel;
  readonly model: { readonly name: string; readonly version: string };
  readonly source: ModelSource;
  readonly keys: readonly KeyEntry[];
  readonly files: readonly SourceFile[];
  readonly patterns: FilePatterns;
  /** metadata.name where the rule's own isn't wanted. */
  readonly name?: string;
  readonly namespace?: string;
  readonly serviceAccounts: readonly string[];
  readonly awsRoleArn?: string;
  readonly secretRef?: string;
}

/** The last component of model.name, lower-cased, runs outside [a-z0-9] become `-`, cut to fit 40 with `-<sequence>`. Throws E_USAGE where nothing is left of it. */
export function nameOf(modelName: string, sequence: number): string {
  const suffix = `-${sequence}`;
  const stem = (modelName.split('/').at(-1) ?? '').toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replace(/^-/, '').slice(0, NAME_LIMIT - suffix.length).replace(/-$/, '');
  needs(stem !== '', 'E_USAGE', `no Kubernetes name can be made of the model name ${JSON.stringify(modelName)}`, 'Give one with --emit-name.');
  return stem + suffix;
}

/** Throws E_USAGE for a name that the API server would refuse. */
export function checkEmitName(name: string): void {
  needs(NAME.test(name), 'E_USAGE', `--emit-name ${JSON.stringify(name)} is not a DNS label of at most ${NAME_LIMIT} characters`, 'Use lower-case letters, digits and -, beginning and ending with a letter or digit.');
}

/** What the cluster refuses of it, because only the command line reads it: empty for S3 and a real KMS. */
export function commandLineOnly(source: ModelSource, keys: readonly object[]): readonly string[] {
  return ['file' in source ? 'spec.source.file' : '', keys.some((key) => 'localFile' in key) ? 'spec.keys[].localFile' : ''].filter((member) => member !== '');
}

const keyOf = (entry: KeyEntry): object => ({
  ...('awsKms' in entry ? { awsKms: entry.awsKms } : { localFile: { id: entry.localFile.id } }),
  ...(entry.context === undefined || Object.keys(entry.context).length === 0 ? {} : { context: entry.context }),
});

/** YAML of one EncryptedModel. Throws E_TOTALS where the patterns choose nothing. */
export function emitModel(request: EmitRequest): string {
  const { sealed, model, source, keys, patterns } = request;
  const selected = selectFiles(request.files, patterns);
  checkTotals(selected, undefined);
  const totals = totalsOf(selected);
  const access = {
    ...(request.serviceAccounts.length === 0 ? {} : { serviceAccountNames: request.serviceAccounts }),
    ...(request.awsRoleArn === undefined ? {} : { awsRoleArn: request.awsRoleArn }),
    ...(request.secretRef === undefined ? {} : { secretRef: { name: request.secretRef } }),
  };
  const files = { ...(patterns.include.length === 0 ? {} : { include: patterns.include }), ...(patterns.exclude.length === 0 ? {} : { exclude: patterns.exclude }) };
  const document = new Document({
    apiVersion: `${API_GROUP}/${API_VERSION}`,
    kind: KIND,
    metadata: {
      name: request.name ?? nameOf(model.name, sealed.sequence),
      ...(request.namespace === undefined ? {} : { namespace: request.namespace }),
      annotations: { [SEQUENCE_ANNOTATION]: String(sealed.sequence) },
    },
    spec: {
      source,
      keys: keys.map(keyOf),
      model: { name: model.name, version: model.version },
      manifest: { digest: `sha256:${sealed.digest}`, lineage: sealed.lineage, bytes: totals.bytes, files: totals.files },
      verify: { content: 'Digest' },
      ...(Object.keys(files).length === 0 ? {} : { files }),
      ...(Object.keys(access).length === 0 ? {} : { access }),
    },
  }, { aliasDuplicateObjects: false });
  const only = commandLineOnly(source, keys);
  document.commentBefore = ` Written by weightlock seal. The pins below are what every reader holds the store to: keep this file under review, like code.${
    only.length === 0 ? '' : `\n Only the command line reads ${only.join(' and ')}: a cluster refuses this object.`}`;
  // Every string quoted: a version of 1.10 or a name of `no` must stay what it is, in any reader of YAML.
  return document.toString({ defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN', lineWidth: 0 });
}
