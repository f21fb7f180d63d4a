// `weightlock verify`: everything that opening does, but writing.
import { loadFiles } from '../core/opening/load-files.ts';
import { NOWHERE } from '../core/opening/plaintext-target.ts';
import { totalsOf } from '../core/opening/selection.ts';
import { command } from './command.ts';
import { CONNECTIONS, factsJson, factsText } from './opened-facts.ts';
import { countText, sizeText } from './quantity.ts';
import { READER_OPTIONS, withModel } from './reading.ts';

export const verify = command(
  {
    name: 'verify',
    usage: 'URL|model.yaml [--key KEY] [--digest sha256:HEX | --lineage HEX | --name NAME] [options]',
    about: 'Fetches a model, has its key unwrapped, decrypts and checks every byte, and writes nothing.\nA model.yaml carries the pins and the keys; with a URL, give them as flags.',
    positionals: [{ name: 'URL|model.yaml', about: 's3://bucket/prefix, file:///dir, or what `seal --emit` wrote' }],
    options: READER_OPTIONS,
    examples: [
      { does: 'what a cluster will be asked to open', line: 'weightlock verify model.yaml' },
      { does: 'what lies in a folder, tried with a local key', line: 'weightlock verify file:///tmp/sealed --key local-file:./try.key --name acme/my-model' },
    ],
  },
  async (session, { positionals: [place = ''], values }) => {
    await withModel(session, place, values, async ({ model, policy, store }) => {
      const totals = totalsOf(model.selected);
      await session.say.during({ doing: 'verifying', done: 'verified' }, totals, (progress) =>
        loadFiles(model, store, NOWHERE, {
          content: policy.content,
          connections: CONNECTIONS,
          observer: { verified: progress.add, fileDone: progress.fileDone, retrying: (path, error) => session.say.line(`${path}: asking again: ${error.message}`) },
        }, session.signal));
      session.say.result(`verified: ${countText(totals.files, 'file')}, ${sizeText(totals.bytes)}\n${factsText(model)}`, { verified: true, ...totals, ...factsJson(model) });
    });
  },
);
