// One review from text to answer: look the models up, decide, say so in log and metrics.
import { performance } from 'node:perf_hooks';
import type { EncryptedModel } from '../../core/api/encrypted-model.ts';
import { asWeightlockError, WeightlockError } from '../../core/errors.ts';
import { cut, type Decision, decide, type DenyReason, type InjectionSettings, requestedModels, type SkipReason } from '../../core/injection/decide.ts';
import type { Logger } from '../../core/log.ts';
import type { ModelLookup } from '../kube/model-lookup.ts';
import { answer, readReview, type Review } from './review.ts';

/** One answered review, for metrics. */
export interface AdmissionOutcome {
  readonly result: 'inject' | 'unchanged' | 'skip' | 'deny' | 'fault';
  readonly reason: SkipReason | DenyReason | 'Lookup' | 'BadRequest' | 'Overload' | 'Internal' | '';
  readonly milliseconds: number;
}

export interface Admission {
  readonly lookup: ModelLookup;
  readonly settings: InjectionSettings;
  readonly log: Logger;
  /** Called once for each answer; must not throw. */
  readonly onOutcome: (outcome: AdmissionOutcome) => void;
}

export interface Answer {
  readonly status: 200 | 400 | 500;
  /** JSON where the status is 200, else a sentence. */
  readonly body: string;
}

/** Never rejects: a fault is an answer of its own, and the webhook's failurePolicy decides what follows. */
export async function admit(text: string, admission: Admission, signal: AbortSignal): Promise<Answer> {
  const begun = performance.now();
  const report = (result: AdmissionOutcome['result'], reason: AdmissionOutcome['reason']): void => {
    admission.onOutcome({ result, reason, milliseconds: performance.now() - begun });
  };
  let review: Review | undefined;
  try {
    review = readReview(text);
    const models = await modelsOf(review, admission.lookup, signal);
    const decision = decide(review.pod, review.namespace, models, admission.settings);
    const result = decision.kind === 'Inject' && decision.patch.length === 0 ? 'unchanged' : (decision.kind.toLowerCase() as 'inject' | 'skip' | 'deny');
    report(result, decision.kind === 'Inject' ? '' : decision.reason);
    logDecision(admission.log, review, decision);
    return { status: 200, body: JSON.stringify(answer(review.uid, decision)) };
  } catch (error) {
    const fault = asWeightlockError(error);
    const reason = error instanceof LookupFailure ? 'Lookup' : fault.code === 'E_SCHEMA' ? 'BadRequest' : 'Internal';
    report('fault', reason);
    const message = cut(fault.message);
    admission.log.error(`a review could not be answered: ${message}`, {
      reason,
      code: fault.code,
      ...(review === undefined ? {} : subject(review)),
      ...(reason === 'Internal' && fault.cause instanceof Error ? { stack: fault.cause.stack ?? '' } : {}),
    });
    return { status: reason === 'BadRequest' ? 400 : 500, body: `weightlock: ${message}. ${fault.next ?? ''}` };
  }
}

/** Nobody could say whether a model exists. */
class LookupFailure extends WeightlockError {}

async function modelsOf({ pod, namespace }: Review, lookup: ModelLookup, signal: AbortSignal): Promise<ReadonlyMap<string, EncryptedModel>> {
  const found = await Promise.all(
    requestedModels(pod).map(async (name) => {
      try {
        return { name, model: await lookup(namespace, name, signal) };
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new LookupFailure('E_INTERNAL', `EncryptedModel ${namespace}/${name} could not be looked up: ${why}`, {
          cause,
          next: 'The pod is asked for again by its controller; look at the log of the operator if this lasts.',
        });
      }
    }),
  );
  return new Map(found.flatMap(({ name, model }) => (model === undefined ? [] : [[name, model] as const])));
}

function logDecision(log: Logger, review: Review, decision: Decision): void {
  switch (decision.kind) {
    case 'Skip':
      log.debug('pod left alone', { ...subject(review), reason: decision.reason });
      break;
    case 'Inject':
      log.info(decision.patch.length === 0 ? 'pod is as it must be' : 'pod given its models', {
        ...subject(review),
        model: decision.models.map(({ name }) => name).join(','),
      });
      break;
    case 'Deny':
      log.warn(`pod refused: ${decision.message}`, { ...subject(review), reason: decision.reason, next: decision.next });
      break;
  }
}

const subject = ({ uid, namespace, pod }: Review): { readonly uid: string; readonly namespace: string; readonly pod: string } => ({
  uid,
  namespace,
  pod: (pod.metadata.name ?? `${pod.metadata.generateName ?? ''}*`).slice(0, 253),
});
