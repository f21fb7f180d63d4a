// `weightlock inject`: prints Kubernetes objects with the decryptor in their pods, as admission would; for clusters without the webhook.
import { WeightlockError } from '../core/errors.ts';
import { ADMISSION_OPTIONS, decideAll } from './admission.ts';
import { command } from './command.ts';
import { patchDocument } from './patch-document.ts';
import { countText } from './quantity.ts';
import type { Json } from './say.ts';

/** What we add is quoted: a label of twelve hex digits must not become a number in some reader of YAML. What was there keeps its own style. */
const QUOTED = { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' } as const;

export const inject = command(
  {
    name: 'inject',
    usage: '-f FILE --model model.yaml --image IMAGE [options]',
    about: 'Prints the objects of a file with the decryptor injected into every pod (or template of pods) that carries the label,\nas admission would; everything else passes unchanged. Fails where admission would refuse.',
    positionals: [],
    options: ADMISSION_OPTIONS,
    examples: [{ does: 'without a webhook in the cluster', line: `weightlock inject -f deployment.yaml --model model.yaml --image registry.example.com/weightlock-decryptor@sha256:${'0123456789abcdef'.repeat(4)}` }],
  },
  async (session, { values }) => {
    const manifests = await decideAll(session, values);
    let injected = 0;
    for (const { document, pods } of manifests) {
      for (const { owner, path, decision } of pods) {
        if (decision.kind === 'Deny') throw new WeightlockError('E_CONFIG', `${owner} would be refused (${decision.reason}): ${decision.message}`, { next: decision.next });
        if (decision.kind === 'Skip') continue;
        patchDocument(document, path, decision.patch);
        injected++;
        for (const note of decision.notes) session.say.line(`${owner}: ${note}`);
      }
    }
    session.say.line(injected === 0 ? 'nothing injected: no pod in it carries the label weightlock.dev/inject: "true"' : `injected into ${countText(injected, 'pod')}`);
    const separator = manifests.length > 1 ? '---\n' : '';
    session.say.result(
      manifests.map(({ document }) => separator + document.toString({ lineWidth: 0, directives: false, ...QUOTED }).replace(/^---\n/, '').trimEnd()).join('\n'),
      manifests.map(({ document }) => document.toJS() as Json),
    );
  },
);
