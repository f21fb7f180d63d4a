// `weightlock explain`: what admission would do with each pod of a file, as the webhook's own code decides it, with reasons.
import { ADMISSION_OPTIONS, decideAll, type DecidedPod } from './admission.ts';
import type { PatchOperation } from '../core/injection/patch.ts';
import type { Container, Quantities } from '../core/injection/pod.ts';
import { command } from './command.ts';
import { sizeText } from './quantity.ts';
import type { Json } from './say.ts';

const SKIPPED = { NotLabelled: 'it does not carry the label weightlock.dev/inject', SwitchedOff: 'its label weightlock.dev/inject says "false"' } as const;

export const explain = command(
  {
    name: 'explain',
    usage: '-f FILE --model model.yaml --image IMAGE [options]',
    about: 'Says what admission would do with each pod (or template of pods) in a file: inject, leave alone or refuse, and why.\nThe same code decides as in the cluster. A refusal is an answer, not an error; `inject` fails on it.',
    positionals: [],
    options: ADMISSION_OPTIONS,
    examples: [{ does: 'before applying a Deployment', line: `weightlock explain -f deployment.yaml --model model.yaml --image registry.example.com/weightlock-decryptor@sha256:${'0123456789abcdef'.repeat(4)}` }],
  },
  async (session, { values }) => {
    const manifests = await decideAll(session, values);
    const pods = manifests.flatMap((manifest) => manifest.pods);
    for (const other of manifests.flatMap((manifest) => manifest.others)) session.say.line(`${other}: no pod in it that this program knows of`);
    session.say.result(pods.map(textOf).join('\n'), pods.map(jsonOf));
  },
);

function textOf({ owner, namespace, decision }: DecidedPod): string {
  const subject = `${owner} (namespace ${namespace})`;
  switch (decision.kind) {
    case 'Skip':
      return `${subject}: left alone, because ${SKIPPED[decision.reason]}`;
    case 'Deny':
      return `${subject}: refused (${decision.reason}): ${decision.message}\n  next: ${decision.next}`;
    case 'Inject':
      return [
        `${subject}: injected`,
        ...decision.models.map(({ name, consumers, volumeBytes }) => `  model ${name}: a memory volume of ${sizeText(Number(volumeBytes))}, read by ${consumers.length === 0 ? 'no container' : consumers.join(', ')}`),
        ...decision.patch.flatMap(decryptorText),
        ...decision.notes.map((note) => `  note: ${note}`),
        ...decision.patch.map(({ op, path }) => `  ${op} ${path}`),
        ...(decision.patch.length === 0 ? ['  nothing to change: it is injected already'] : []),
      ].join('\n');
    default:
      return decision satisfies never;
  }
}

const amounts = (quantities: Quantities = {}): string => Object.entries(quantities).map(([resource, amount]) => `${resource}=${amount}`).join(' ');

/** What the decryptor asks the node for: it decides where the pod can run. */
function decryptorText(operation: PatchOperation): readonly string[] {
  if (operation.op === 'remove' || !operation.path.startsWith('/spec/initContainers/')) return [];
  const { name, resources } = operation.value as Container;
  return [`  init container ${name}: requests ${amounts(resources?.requests)}, limits ${amounts(resources?.limits)}`];
}

function jsonOf({ owner, namespace, decision }: DecidedPod): Json {
  const { kind } = decision;
  switch (decision.kind) {
    case 'Skip':
      return { object: owner, namespace, decision: kind, reason: decision.reason };
    case 'Deny':
      return { object: owner, namespace, decision: kind, reason: decision.reason, message: decision.message, next: decision.next };
    case 'Inject':
      return {
        object: owner, namespace, decision: kind, notes: decision.notes,
        models: decision.models.map(({ name, consumers, volumeBytes }) => ({ name, consumers, volumeBytes: Number(volumeBytes) })),
        patch: JSON.parse(JSON.stringify(decision.patch)) as Json,
      };
    default:
      return decision satisfies never;
  }
}
