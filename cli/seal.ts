// `weightlock seal`: a folder becomes a published version, and the EncryptedModel that pins it.
import { realpath } from 'node:fs/promises';
import type { ModelSource } from '../core/api/decryptor-config.ts';
import { needs } from '../core/errors.ts';
import type { KeyEntry, KeyProvider } from '../core/keys/provider.ts';
import type { KeyFlag } from '../core/keys/registry.ts';
import { checkEmitName, commandLineOnly, emitModel, nameOf } from '../core/publishing/emit.ts';
import { liesIn } from '../core/publishing/links.ts';
import type { Position } from '../core/publishing/position.ts';
import { scanFolder } from '../core/publishing/scan-folder.ts';
import { sealModel, type SealedModel } from '../core/publishing/seal-model.ts';
import type { ScannedFolder } from '../core/publishing/source-file.ts';
import { command, type Session } from './command.ts';
import { checkEmitPath, writeEmitted } from './emit-file.ts';
import { readModelFile } from './model-file.ts';
import { rows } from './opened-facts.ts';
import { countText, sizeText, someOf } from './quantity.ts';
import { announce } from './reading.ts';
import { loadServices } from './services.ts';
import { accessOf, contextOf, KEY_OPTIONS, sourceOf, STORE_OPTIONS } from './target-flags.ts';

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
      emit: { type: 'string', value: 'model.yaml', about: 'write the EncryptedModel that pins this version, ready to commit' },
      'emit-name': { type: 'string', value: 'NAME', about: 'its metadata.name (default: from --name and the sequence)' },
      namespace: { type: 'string', value: 'NAMESPACE', about: 'its metadata.namespace' },
      'service-account': { type: 'string', multiple: true, value: 'NAME', about: 'an account under which pods may have it decrypted' },
      'aws-role-arn': { type: 'string', value: 'ARN', about: 'the role that the decryptor assumes with a token of the pod\'s account' },
      'secret-ref': { type: 'string', value: 'NAME', about: 'the Secret with the decryptor\'s S3 and KMS credentials' },
      include: { type: 'string', multiple: true, value: 'GLOB', about: 'pods load these files only; all are sealed' },
      exclude: { type: 'string', multiple: true, value: 'GLOB', about: 'pods do not load these files; all are sealed' },
      's3-endpoint': STORE_OPTIONS['s3-endpoint'],
      'path-style': STORE_OPTIONS['path-style'],
      region: STORE_OPTIONS.region,
    },
    examples: [
      { does: 'for a cluster: to S3, under a KMS key, with the object to commit', line: 'weightlock seal ./llama-ft s3://acme-models/llama-ft --key aws-kms:alias/models --name acme/llama-ft --version 2026.11.2 --emit model.yaml' },
      { does: 'to try it: a local folder, a local key (weightlock init ./try.key)', line: 'weightlock seal ./my-model file:///tmp/sealed --key local-file:./try.key --name acme/my-model --version 1 --emit model.yaml' },
    ],
  },
  async (session, { positionals: [directory = '', url = ''], values }) => {
    const { say, signal, environment } = session;
    const hash = HASHES.find((known) => known === (values.hash ?? 'blake3'));
    needs(hash !== undefined, 'E_USAGE', `--hash ${JSON.stringify(values.hash)} is unknown`, `Use ${HASHES.join(' or ')}.`);
    const services = await loadServices();
    const flags = values.key.map(services.parseKeyFlag);
    const context = contextOf(values.context);
    const endpoints = { ...values, 'allow-endpoint': [] };
    const source = sourceOf(url, endpoints, environment, services);
    const access = accessOf(endpoints);
    const model = { name: values.name, version: values.version };
    const position = await positionOf(values, model.name);
    const emit = { name: values['emit-name'], namespace: values.namespace, awsRoleArn: values['aws-role-arn'], secretRef: values['secret-ref'] };
    if (values.emit === undefined) refuseWithoutEmit(values);
    else {
      needs(emit.awsRoleArn === undefined || emit.secretRef === undefined, 'E_USAGE', '--aws-role-arn and --secret-ref exclude each other', 'Name one source of the decryptor\'s credentials.');
      needs(!('s3' in source) || source.s3.region !== undefined || source.s3.endpoint !== undefined, 'E_USAGE', `${url}: the bucket's region is not known here, and pods must know it`, 'Add --region, or set AWS_REGION.');
      if (emit.name !== undefined) checkEmitName(emit.name);
      else nameOf(model.name, 1);
      await checkEmitPath(values.emit);
    }

    const folder = await scanFolder(directory, signal);
    await refuseItself(folder, source, flags);
    sayWhatDoesNotTravel(session, folder);
    await announce(session, services, access, 's3' in source || flags.some((flag) => flag.provider === 'aws-kms'), flags.some((flag) => flag.provider === 'local-file'));
    const region = values.region ?? environment.awsRegion;
    const where = { ...(region === undefined ? {} : { region }), ...(values['kms-endpoint'] === undefined ? {} : { endpoint: values['kms-endpoint'] }) };
    const entries = await Promise.all(flags.map(async (flag): Promise<KeyEntry> => ({ ...(await services.resolveKey(flag, where, access, signal)), context })));
    const store = services.openStoreForWriting(source, access, values['sse-kms-key'] === undefined ? null : { kmsKeyId: values['sse-kms-key'], bucketKey: true });
    const keys: KeyProvider[] = [];
    try {
      for (const entry of entries) keys.push(await services.openKey(entry, access));
      const sealed = await say.during({ doing: 'sealing', done: 'sealed' }, { files: folder.files.length, bytes: folder.bytes }, (progress) =>
        sealModel({
          folder, store, model, position, hash,
          recipients: keys.map((key) => ({ key, context })),
          now: session.now,
          observer: {
            sealed: progress.add,
            fileDone: progress.fileDone,
            renumbered: (sequence) => say.line(`another publisher came first: this version becomes sequence ${sequence}`),
            leftBehind: (left) => say.warn(`${countText(left.length, 'object')} could not be removed again and stay in ${store.url}: ${someOf(left)}. No version names them.`),
          },
        }, signal));
      // Known only once something was written under a condition.
      if (!store.conditional) say.warn(`${store.url} ignores conditional writes: two publishers must not meet there`);
      if (values.emit !== undefined) {
        const yaml = emitModel({
          sealed, model, source, keys: entries, files: folder.files, patterns: values, serviceAccounts: values['service-account'],
          ...(Object.fromEntries(Object.entries(emit).filter(([, value]) => value !== undefined)) as Partial<Record<keyof typeof emit, string>>),
        });
        await writeEmitted(values.emit, yaml, sealed.digest);
        const only = commandLineOnly(source, entries);
        if (only.length > 0) say.warn(`${values.emit} holds ${only.join(' and ')}, which only the command line reads: a cluster will refuse it`);
      }
      report(session, sealed, model, source, values.emit);
    } finally {
      for (const key of keys) key.close();
      store.close();
    }
  },
);

type EmitFlags = Readonly<Record<'emit-name' | 'namespace' | 'aws-role-arn' | 'secret-ref', string | undefined>> & Readonly<Record<'service-account' | 'include' | 'exclude', readonly string[]>>;

/** A flag that would be recorded nowhere is a misunderstanding, most of all `--exclude`: it hides nothing from the store. */
function refuseWithoutEmit(values: EmitFlags): void {
  const flag = (['emit-name', 'namespace', 'aws-role-arn', 'secret-ref', 'service-account', 'include', 'exclude'] as const).find((name) => (values[name]?.length ?? 0) > 0);
  needs(flag === undefined, 'E_USAGE', `--${flag} only says what --emit writes: every file of the folder is sealed`, 'Add --emit model.yaml, or leave it out.');
}

/** §2: sequence and previous come from the publisher's own pin, else from latest.json as a hint. */
async function positionOf(values: { readonly previous: string | undefined; readonly sequence: string | undefined }, name: string): Promise<Position> {
  const sequence = values.sequence === undefined ? undefined : Number(values.sequence);
  needs(sequence === undefined || (/^[1-9][0-9]*$/.test(values.sequence ?? '') && Number.isSafeInteger(sequence)), 'E_USAGE', `--sequence ${JSON.stringify(values.sequence)} is not a number from 1 on`, 'For example: --sequence 8');
  if (values.previous === undefined) return sequence === undefined ? { kind: 'latest' } : { kind: 'pinned', sequence, previous: null };
  const file = await readModelFile(values.previous);
  needs(file.model.name === name, 'E_USAGE', `${values.previous} is a version of ${JSON.stringify(file.model.name)}, not of ${JSON.stringify(name)}`, 'Sequences count the versions of one model: name its own model.yaml.');
  needs(sequence !== undefined || file.sequence !== null, 'E_USAGE', `${values.previous} does not say its sequence`, 'Add --sequence N with the number of the new version.');
  return { kind: 'pinned', sequence: sequence ?? (file.sequence ?? 0) + 1, previous: file.digest };
}

/** The store, or a key, in the folder that is sealed: the next sealing would hold the ciphertext of this one, and every pod the key. */
async function refuseItself(folder: ScannedFolder, source: ModelSource, flags: readonly KeyFlag[]): Promise<void> {
  if ('file' in source) needs(!liesIn(folder.root, source.file.path), 'E_USAGE', `the store ${source.file.path} lies in ${folder.root}, the folder to be sealed`, 'Choose a store outside of it.');
  for (const flag of flags) {
    if (flag.provider !== 'local-file') continue;
    const key = await realpath(flag.path).catch(() => null); // whoever opens it says what is wrong with it
    needs(!folder.files.some((file) => file.realPath === key), 'E_USAGE', `the key ${flag.path} lies in ${folder.root}, the folder to be sealed`, 'Move it out of there: everything in the folder is sealed, and served.');
  }
}

function sayWhatDoesNotTravel({ say }: Session, folder: ScannedFolder): void {
  if (folder.leftOut.length > 0) say.line(`left out: ${someOf(folder.leftOut)}`);
  if (folder.emptyFolders.length > 0) say.line(`not sealed, being empty: ${someOf(folder.emptyFolders)}`);
  if (folder.droppedModes.length > 0) say.line(`sealed as plain files, though executable or with special modes: ${someOf(folder.droppedModes)}`);
  if (folder.linked > 0) say.line(`${countText(folder.linked, 'file')} reached through links: sealed by content`);
}

function report({ say }: Session, sealed: SealedModel, model: { readonly name: string; readonly version: string }, source: ModelSource, emitted: string | undefined): void {
  if (emitted === undefined) say.line('Keep the digest: it is what readers pin. --emit model.yaml writes it down for you.');
  say.result(
    rows([
      ['name', model.name], ['version', model.version], ['sequence', String(sealed.sequence)], ['digest', `sha256:${sealed.digest}`], ['lineage', sealed.lineage],
      ['files', String(sealed.totals.files)], ['size', `${sizeText(sealed.totals.bytes)} (${sealed.totals.bytes} bytes)`],
      ...(emitted === undefined ? [] : [['written', emitted] as const]),
    ]),
    {
      model, sequence: sealed.sequence, previous: sealed.previous === null ? null : `sha256:${sealed.previous}`, created: sealed.created, digest: `sha256:${sealed.digest}`,
      lineage: sealed.lineage, envelopeId: sealed.envelopeId, totals: sealed.totals, source: JSON.parse(JSON.stringify(source)), emitted: emitted ?? null,
    },
  );
}
