// `weightlock seal`: a folder becomes a published version, and the EncryptedModel that pins it.
import type { ModelSource } from '../core/api/decryptor-config.ts';
import { needs } from '../core/errors.ts';
import type { KeyEntry, KeyProvider } from '../core/keys/provider.ts';
import { scanFolder } from '../core/publishing/scan-folder.ts';
import { sealModel, type PublishObserver, type SealedModel } from '../core/publishing/seal-model.ts';
import { command } from './command.ts';
import { checkEmitFlags, checkPatterns, emit, EMIT_OPTIONS } from './emit-flags.ts';
import { rows } from './opened-facts.ts';
import type { Progress } from './progress.ts';
import { countText, sizeText, someOf } from './quantity.ts';
import { announce } from './reading.ts';
import type { Json, Say } from './say.ts';
import { refuseItself, sayWhatDoesNotTravel } from './seal-folder.ts';
import { positionOf } from './seal-position.ts';
import { loadServices } from './services.ts';
import { accessOf, contextOf, KEY_OPTIONS, keyPlaceOf, sourceOf, STORE_OPTIONS } from './target-flags.ts';

const HASHES = ['blake3', 'sha256'] as const;

export const seal = command(
  {
    name: 'seal',
    usage: 'DIR URL --key KEY --name NAME --version VERSION [--emit model.yaml] [options]',
    about: 'Encrypts every file of a folder under a fresh key, which the --key flags wrap, and publishes the result as a\nnew version. Readers see all of it or nothing; older versions stay readable.',
    positionals: [
      { name: 'DIR', about: 'the folder that holds the weights, the tokenizer, the configuration: everything in it is sealed' },
      { name: 'URL', about: 's3://bucket/prefix, or file:///dir to try things' },
    ],
    options: {
      ...KEY_OPTIONS,
      key: { type: 'string', multiple: true, required: true, value: 'KEY', about: 'who can open it: aws-kms:ARN, aws-kms:alias/NAME, or local-file:PATH to try things' },
      name: { type: 'string', required: true, value: 'NAME', about: 'of the model, as readers will demand it: acme/llama-ft' },
      version: { type: 'string', required: true, value: 'VERSION', about: 'free text: 2026.11.2' },
      previous: { type: 'string', value: 'model.yaml', about: 'the version before this one, from your own pin instead of the store\'s word' },
      sequence: { type: 'string', value: 'N', about: 'the number of this version, where no --previous says it' },
      hash: { type: 'string', value: HASHES.join('|'), about: 'digest of the plaintext (default: blake3; sha256 where FIPS matters)' },
      'sse-kms-key': { type: 'string', value: 'KEY', about: 'have S3 encrypt the objects once more, with SSE-KMS under this key' },
      ...EMIT_OPTIONS,
      's3-endpoint': STORE_OPTIONS['s3-endpoint'],
      'path-style': STORE_OPTIONS['path-style'],
      region: STORE_OPTIONS.region,
    },
    examples: [
      { does: 'for a cluster: to S3, under a KMS key, with the object to commit', line: 'weightlock seal ./llama-ft s3://acme-models/llama-ft --key aws-kms:alias/models --name acme/llama-ft --version 2026.11.2 --emit model.yaml' },
      { does: 'to try it: a local folder, a local key (weightlock init ./try.key)', line: 'weightlock seal ./my-model file:///tmp/sealed --key local-file:./try.key --name acme/my-model --version 1 --emit model.yaml' },
    ],
  },
  async ({ say, signal, environment, now }, { positionals: [directory = '', url = ''], values }) => {
    const hash = HASHES.find((known) => known === (values.hash ?? 'blake3'));
    needs(hash !== undefined, 'E_USAGE', `--hash ${JSON.stringify(values.hash)} is unknown`, `Use ${HASHES.join(' or ')}.`);
    const services = await loadServices();
    const flags = values.key.map(services.parseKeyFlag);
    const context = contextOf(values.context);
    const source = sourceOf(url, values, environment, services);
    const access = accessOf(values);
    const model = { name: values.name, version: values.version };
    const position = await positionOf(values, model.name);
    await checkEmitFlags(values, model, source);

    const folder = await scanFolder(directory, signal);
    await refuseItself(folder, source, flags);
    checkPatterns(values, folder.files);
    sayWhatDoesNotTravel(folder, say);
    await announce(say, services, access, 's3' in source || flags.some((flag) => flag.provider === 'aws-kms'), flags.some((flag) => flag.provider === 'local-file'));
    const where = keyPlaceOf(values, environment);
    const entries = await Promise.all(flags.map(async (flag): Promise<KeyEntry> => ({ ...(await services.resolveKey(flag, where, access, signal)), context })));
    const store = services.openStoreForWriting(source, access, values['sse-kms-key'] === undefined ? null : { kmsKeyId: values['sse-kms-key'], bucketKey: true });
    const keys: KeyProvider[] = [];
    try {
      for (const entry of entries) keys.push(await services.openKey(entry, access));
      const recipients = keys.map((key) => ({ key, context }));
      const sealed = await say.during({ doing: 'sealing', done: 'sealed' }, { files: folder.files.length, bytes: folder.bytes }, (progress) =>
        sealModel({ folder, store, model, position, hash, recipients, now, observer: tell(say, progress, store.url) }, signal));
      // Known only once something was written under a condition.
      if (!store.conditional) say.warn(`${store.url} ignores conditional writes: two publishers must not meet there`);
      await emit(values, { sealed, model, source, keys: entries, files: folder.files }, say);
      report(say, sealed, model, source, values.emit);
    } finally {
      for (const key of keys) key.close();
      store.close();
    }
  },
);

const tell = (say: Say, progress: Pick<Progress, 'add' | 'fileDone'>, store: string): PublishObserver => ({
  sealed: progress.add,
  fileDone: progress.fileDone,
  renumbered: (sequence) => say.line(`another publisher came first: this version becomes sequence ${sequence}`),
  leftBehind: (left) => say.warn(`${countText(left.length, 'object')} could not be removed again and stay in ${store}: ${someOf(left)}. No version names them.`),
});

function report(say: Say, sealed: SealedModel, model: { readonly name: string; readonly version: string }, source: ModelSource, emitted: string | undefined): void {
  if (emitted === undefined) say.line('Keep the digest: it is what readers pin. --emit model.yaml writes it down for you.');
  say.result(
    rows([
      ['name', model.name], ['version', model.version], ['sequence', String(sealed.sequence)], ['digest', `sha256:${sealed.digest}`], ['lineage', sealed.lineage],
      ['files', String(sealed.totals.files)], ['size', `${sizeText(sealed.totals.bytes)} (${sealed.totals.bytes} bytes)`],
      ...(emitted === undefined ? [] : [['written', emitted] as const]),
    ]),
    {
      model, sequence: sealed.sequence, previous: sealed.previous === null ? null : `sha256:${sealed.previous}`, created: sealed.created, digest: `sha256:${sealed.digest}`,
      lineage: sealed.lineage, envelopeId: sealed.envelopeId, totals: sealed.totals, source: JSON.parse(JSON.stringify(source)) as Json, emitted: emitted ?? null,
    },
  );
}
