// What admission decides about a pod, as a function of values: the webhook, `weightlock inject` and `weightlock explain` all call it.
import type { EncryptedModel } from '../api/encrypted-model.ts';
import { type InjectedModel, injectModels, type InjectionSettings } from './inject-models.ts';
import type { JsonPatch } from './patch.ts';
import type { Pod } from './pod.ts';
import { type DenyReason, Refusal } from './refusal.ts';
import { readLabel, readRequest } from './request.ts';

export type SkipReason = 'NotLabelled' | 'SwitchedOff';
export type { InjectedModel, InjectionSettings } from './inject-models.ts';
export type { DenyReason } from './refusal.ts';

export type Decision =
  | {
      readonly kind: 'Inject';
      readonly patch: JsonPatch;
      readonly models: readonly InjectedModel[];
      /** What is worth knowing though it stops nothing, as sentences (`explain` prints them). */
      readonly notes: readonly string[];
    }
  | { readonly kind: 'Skip'; readonly reason: SkipReason }
  | {
      readonly kind: 'Deny';
      readonly reason: DenyReason;
      /** What is wrong with which object; names the model where there is one. */
      readonly message: string;
      /** The next step, an imperative sentence. */
      readonly next: string;
    };

/** The models that `pod` asks for, in its order: what a caller looks up before it calls `decide`. Empty where it asks for none or says so wrongly. */
export function requestedModels(pod: Pod): readonly string[] {
  const read = unlessRefused(() => (readLabel(pod).kind === 'asks' ? readRequest(pod).models.map(({ name }) => name) : []));
  return read instanceof Refusal ? [] : read;
}

/** `models`: those of `namespace` among `requestedModels(pod)` that exist, by name. `namespace` is the request's: the pod's own may be empty. */
export function decide(pod: Pod, namespace: string, models: ReadonlyMap<string, EncryptedModel>, settings: InjectionSettings): Decision {
  const decision = unlessRefused((): Decision => {
    const label = readLabel(pod);
    if (label.kind === 'skip') return { kind: 'Skip', reason: label.reason };
    return { kind: 'Inject', ...injectModels(pod, namespace, readRequest(pod), models, settings) };
  });
  return decision instanceof Refusal ? { kind: 'Deny', reason: decision.reason, message: cut(decision.message), next: cut(decision.next) } : decision;
}

const SENTENCE_MAX = 1000; // characters: what a pod's author wrote is quoted, in the answer and in the log
/** For a sentence that quotes others. */
export const cut = (sentence: string): string => (sentence.length <= SENTENCE_MAX ? sentence : `${sentence.slice(0, SENTENCE_MAX - 1)}…`);

function unlessRefused<T>(work: () => T): T | Refusal {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}
