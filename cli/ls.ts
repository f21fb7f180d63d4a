// `weightlock ls`: the versions under a prefix as the store lists them; with a key, the files of one, as its sealed manifest names them.
import { asWeightlockError, needs, WeightlockError } from '../core/errors.ts';
import { MAX_SMALL_FILE_BYTES } from '../core/envelope/limits.ts';
import { LATEST_KEY } from '../core/envelope/storage-keys.ts';
import { parseLatestFile, parseVersionFile } from '../core/envelope/version-file.ts';
import type { StoreReader } from '../core/stores/store.ts';
import { command, type Session } from './command.ts';
import { factsJson } from './opened-facts.ts';
import { countText, sizeText } from './quantity.ts';
import { announce, looksLikeUrl, READER_OPTIONS, targetOf, withModel, type ReaderValues } from './reading.ts';
import { loadServices } from './services.ts';
import { accessOf } from './target-flags.ts';

export const ls = command(
  {
    name: 'ls',
    usage: 'URL|model.yaml [--key KEY (--digest sha256:HEX | --lineage HEX | --name NAME)] [options]',
    about: 'With a URL alone: the versions that the store lists, unverified.\nWith --key and a pin, or with a model.yaml: the files of that version, from its sealed manifest.',
    positionals: [{ name: 'URL|model.yaml', about: 's3://bucket/prefix, file:///dir, or what `seal --emit` wrote' }],
    options: READER_OPTIONS,
    examples: [
      { does: 'the versions under a prefix', line: 'weightlock ls s3://acme-models/llama-ft' },
      { does: 'the files of a version', line: 'weightlock ls model.yaml' },
    ],
  },
  async (session, { positionals: [place = ''], values }) => {
    if (values.key.length > 0 || !looksLikeUrl(place)) await listFiles(session, place, values);
    else await listVersions(session, place, values);
  },
);

async function listFiles(session: Session, place: string, values: ReaderValues): Promise<void> {
  await withModel(session, place, values, async ({ model }) => {
    const width = Math.max(...model.selected.map(({ size }) => String(size).length));
    session.say.line(`${model.manifest.model.name} ${model.manifest.model.version}, sequence ${model.manifest.sequence}: ${countText(model.selected.length, 'file')}`);
    session.say.result(model.selected.map(({ path, size }) => `${String(size).padStart(width)}  ${path}`).join('\n'), {
      ...factsJson(model),
      files: model.selected.map(({ path, size, object }) => ({ path, size, object })),
    });
  });
}

interface ListedVersion {
  readonly digest: string;
  readonly modified: string;
  readonly latest: boolean;
  readonly totals: { readonly files: number; readonly bytes: number } | null;
  readonly lineage: string | null;
  /** Code of what is wrong with the version file; null where it can be read. */
  readonly damaged: string | null;
}

async function listVersions(session: Session, place: string, values: ReaderValues): Promise<void> {
  const pin = (['digest', 'lineage', 'name', 'version'] as const).find((name) => values[name] !== undefined);
  needs(pin === undefined, 'E_USAGE', `--${pin} means nothing without a key`, 'Add --key to list the files of that version, or leave it out to list the versions.');
  const services = await loadServices();
  const { source } = await targetOf(place, values, session, services);
  const access = accessOf(values);
  await announce(session.say, services, access, 's3' in source, false);
  const store = services.openStore(source, access);
  try {
    const latest = await latestOf(store, session.signal);
    const versions: ListedVersion[] = [];
    for await (const { key, modified } of store.list('versions', session.signal)) {
      const digest = /^versions\/([0-9a-f]{64})\.json$/.exec(key)?.[1];
      if (digest !== undefined) versions.push(await describe(store, key, digest, modified, latest, session.signal));
    }
    versions.sort((a, b) => (a.modified < b.modified ? -1 : 1));
    session.say.line(`${countText(versions.length, 'version')} at ${store.url}, as the store lists them (unverified)`);
    session.say.result(
      versions.map((version) => `sha256:${version.digest}  ${version.modified}  ${version.totals === null ? `damaged: ${version.damaged}` : `${countText(version.totals.files, 'file')}, ${sizeText(version.totals.bytes)}`}${version.latest ? '  latest' : ''}`).join('\n'),
      versions.map((version) => ({ ...version, digest: `sha256:${version.digest}` })),
    );
  } finally {
    store.close();
  }
}

async function describe(store: StoreReader, key: string, digest: string, modified: Date, latest: string | null, signal: AbortSignal): Promise<ListedVersion> {
  const seen = { digest, modified: modified.toISOString().replace(/\.\d+Z$/, 'Z'), latest: digest === latest };
  try {
    const { totals, commitment } = parseVersionFile((await store.readSmall(key, MAX_SMALL_FILE_BYTES, signal)).bytes, key);
    return { ...seen, totals, lineage: commitment, damaged: null };
  } catch (error) {
    const failure = asWeightlockError(error);
    // One broken file must not hide the others; a store that refuses or is gone must not look like one.
    if (failure.class !== 'format') throw error;
    return { ...seen, totals: null, lineage: null, damaged: failure.code };
  }
}

/** Hex digest that latest.json names; null where there is none, or none that can be read. */
async function latestOf(store: StoreReader, signal: AbortSignal): Promise<string | null> {
  try {
    return parseLatestFile((await store.readSmall(LATEST_KEY, MAX_SMALL_FILE_BYTES, signal)).bytes, LATEST_KEY).version;
  } catch (error) {
    if (error instanceof WeightlockError && (error.code === 'E_STORE_NOT_FOUND' || error.class === 'format')) return null;
    throw error;
  }
}
