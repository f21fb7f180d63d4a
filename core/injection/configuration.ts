// The decryptor's configuration for one model of one pod: from the EncryptedModel, the pod's annotations and the installation's settings.
import type { EncryptedModel } from '../api/encrypted-model.ts';
import { CONFIG_LIMIT_BYTES, DECRYPTOR_SCHEMA, type DecryptorConfig, type ModelSource } from '../api/decryptor-config.ts';
import type { KeyEntry } from '../keys/provider.ts';
import type { Credentials } from './credentials.ts';
import { demands } from './refusal.ts';
import type { PodRequest } from './request.ts';

export interface ConfigurationInput {
  readonly namespace: string;
  readonly model: EncryptedModel;
  readonly request: PodRequest;
  readonly credentials: Credentials;
  readonly allowedEndpoints: readonly string[];
  /** Where the model's volume is mounted in our container. */
  readonly target: string;
}

/** JSON, the same bytes for the same values whatever order their members came in: a second pass compares text. */
export function writeConfiguration({ namespace, model, request, credentials, allowedEndpoints, target }: ConfigurationInput): string {
  const { metadata, spec } = model;
  const config: DecryptorConfig = {
    schema: DECRYPTOR_SCHEMA,
    resource: { namespace, name: metadata.name },
    source: sourceOf(model, credentials.region),
    keys: spec.keys.map((key) => keyOf(model, key)),
    model: { name: spec.model.name, version: spec.model.version },
    manifest: { digest: spec.manifest.digest, lineage: spec.manifest.lineage, bytes: spec.manifest.bytes, files: spec.manifest.files },
    verify: { content: spec.verify?.content ?? 'Digest' },
    files: { include: spec.files?.include ?? [], exclude: spec.files?.exclude ?? [] },
    credentials: credentials.source,
    allowedEndpoints,
    swap: spec.memory?.swap ?? 'Refuse',
    target: { path: target, requireTmpfs: true, reuse: !request.writable },
    logLevel: request.logLevel,
  };
  const text = JSON.stringify(config).replaceAll('$', String.raw`\u0024`); // the kubelet expands $(NAME) in values, and a model's name may hold one
  const bytes = Buffer.byteLength(text);
  demands(
    bytes <= CONFIG_LIMIT_BYTES,
    'ConfigTooLarge',
    `the decryptor's configuration for model ${metadata.name} has ${String(bytes)} bytes, at most ${String(CONFIG_LIMIT_BYTES)} fit`,
    'Shorten spec.files or spec.keys of the model.',
  );
  return text;
}

function sourceOf({ metadata, spec }: EncryptedModel, region: string | undefined): ModelSource {
  const { s3 } = spec.source;
  demands(s3 !== undefined, 'BadModel', `model ${metadata.name} has no spec.source.s3`, 'Name one source that pods can read.');
  const where = s3.region ?? region;
  return {
    s3: {
      bucket: s3.bucket,
      prefix: s3.prefix,
      ...(where === undefined ? {} : { region: where }),
      ...(s3.endpoint === undefined ? {} : { endpoint: originOf(metadata.name, s3.endpoint) }),
      ...(s3.pathStyle === undefined ? {} : { pathStyle: s3.pathStyle }),
    },
  };
}

function keyOf({ metadata }: EncryptedModel, { awsKms, context }: EncryptedModel['spec']['keys'][number]): KeyEntry {
  demands(awsKms !== undefined, 'BadModel', `a key of model ${metadata.name} has no awsKms`, 'Name keys that pods can use.');
  return {
    awsKms: {
      keyArn: awsKms.keyArn,
      ...(awsKms.region === undefined ? {} : { region: awsKms.region }),
      ...(awsKms.endpoint === undefined ? {} : { endpoint: originOf(metadata.name, awsKms.endpoint) }),
    },
    ...(context === undefined ? {} : { context: Object.fromEntries(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))) }),
  };
}

/** In the one spelling that the decryptor takes: without the scheme's own port, IPv6 as short as it gets. */
function originOf(model: string, endpoint: string): string {
  demands(URL.canParse(endpoint), 'BadModel', `${endpoint} of model ${model} is not an origin`, 'Write it as https://host[:port].');
  return new URL(endpoint).origin;
}
