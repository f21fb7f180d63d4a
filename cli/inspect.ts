// `weightlock inspect`: what a store says about a version, read without a key. Nothing of it is proven, and it says so.
import { inspectVersion } from '../core/opening/inspect-version.ts';
import { command } from './command.ts';
import { rows } from './opened-facts.ts';
import { sizeText } from './quantity.ts';
import { announce, hexOf, targetOf } from './reading.ts';
import { loadServices } from './services.ts';
import { accessOf, STORE_OPTIONS } from './target-flags.ts';

const UNVERIFIED = 'UNVERIFIED: this is what the store says. Whoever writes the store can write this. `weightlock verify` proves it, with the key.';

export const inspect = command(
  {
    name: 'inspect',
    usage: 'URL|model.yaml [--digest sha256:HEX] [options]',
    about: 'Shows what a store says about a version: its pins, its size, and the keys it is wrapped under.\nNeeds no key, and proves nothing.',
    positionals: [{ name: 'URL|model.yaml', about: 's3://bucket/prefix, file:///dir, or what `seal --emit` wrote' }],
    options: { digest: { type: 'string', value: 'sha256:HEX', about: 'which version (default: the latest, or the model.yaml\'s)' }, ...STORE_OPTIONS },
    examples: [{ does: 'the latest version of a prefix', line: 'weightlock inspect s3://acme-models/llama-ft' }],
  },
  async (session, { positionals: [place = ''], values }) => {
    const services = await loadServices();
    const { source, file } = await targetOf(place, values, session, services);
    const access = accessOf(values);
    await announce(session.say, services, access, 's3' in source, false);
    const store = services.openStore(source, access);
    try {
      const asked = values.digest === undefined ? (file?.digest ?? null) : hexOf('--digest', values.digest, 'sha256:');
      const { digest, version, envelope, latest } = await inspectVersion(asked, store, session.signal);
      const isLatest = latest?.version === digest;
      session.say.line(UNVERIFIED);
      if (file !== null && file.lineage !== version.commitment) session.say.warn(`${file.path} pins lineage ${file.lineage}, and this version claims another: every reader will refuse it`);
      session.say.result(
        rows([
          ['digest', `sha256:${digest}${isLatest ? ` (the latest, sequence ${latest.sequence})` : ''}`],
          ['lineage', version.commitment],
          ['envelope', version.envelopeId],
          ['files', String(version.totals.files)],
          ['size', `${sizeText(version.totals.bytes)} (${version.totals.bytes} bytes)`],
          ...envelope.wraps.map(({ provider, key, context }) => ['wrapped by', `${provider} ${key}${[...context].map(([name, value]) => ` ${name}=${value}`).join('')}`] as const),
        ]),
        {
          verified: false,
          digest: `sha256:${digest}`,
          latest: latest === null ? null : { digest: `sha256:${latest.version}`, sequence: latest.sequence },
          lineage: version.commitment,
          envelopeId: version.envelopeId,
          totals: { files: version.totals.files, bytes: version.totals.bytes },
          wraps: envelope.wraps.map(({ provider, key, context }) => ({ provider, key, context: Object.fromEntries(context) })),
        },
      );
    } finally {
      store.close();
    }
  },
);
