// AdmissionReview (admission.k8s.io/v1) in and out: bytes to a typed request, a decision to the answer's object.
// https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#webhook-request-and-response
import { WeightlockError } from '../../core/errors.ts';
import type { Decision } from '../../core/injection/decide.ts';
import type { Pod } from '../../core/injection/pod.ts';
import { readPod } from '../../core/injection/read-pod.ts';

const API_VERSION = 'admission.k8s.io/v1';
const KIND = 'AdmissionReview';

const UID = /^[A-Za-z0-9-]{1,64}$/;
const NAMESPACE = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

export interface Review {
  readonly uid: string;
  /** Of the request: the pod's own is empty in many. */
  readonly namespace: string;
  readonly pod: Pod;
}

/** The creation of a Pod is all that this webhook is registered for. Throws E_SCHEMA for anything else. */
export function readReview(text: string): Review {
  const review = members(parse(text), 'the body');
  const right = review['apiVersion'] === API_VERSION && review['kind'] === KIND;
  if (!right) throw refused(`the body is no ${API_VERSION} ${KIND}`);
  const request = members(review['request'], 'request');
  const { uid, namespace, operation, subResource } = request;
  const { group, version, resource } = members(request['resource'], 'request.resource');
  if (typeof uid !== 'string' || !UID.test(uid)) throw refused('request.uid is none');
  if (typeof namespace !== 'string' || !NAMESPACE.test(namespace)) throw refused('request.namespace is none');
  if (operation !== 'CREATE' || group !== '' || version !== 'v1' || resource !== 'pods' || (subResource ?? '') !== '') {
    throw refused(`${String(operation)} ${String(group)}/${String(version)} ${String(resource)} is not the creation of a pod`);
  }
  return { uid, namespace, pod: readPod(request['object']) };
}

/** What the API server is told. A refusal is an answer (HTTP 200), not a fault. */
export function answer(uid: string, decision: Decision): unknown {
  return { apiVersion: API_VERSION, kind: KIND, response: { uid, ...verdict(decision) } };
}

function verdict(decision: Decision): Record<string, unknown> {
  switch (decision.kind) {
    case 'Skip':
      return { allowed: true };
    case 'Inject':
      return decision.patch.length === 0
        ? { allowed: true }
        : { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(decision.patch)).toString('base64') };
    case 'Deny':
      return { allowed: false, status: { code: 403, reason: 'Forbidden', message: `${decision.message}. ${decision.next} [${decision.reason}]` } };
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refused('the body is not JSON', cause);
  }
}

function members(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused(`${what} is not an object`);
  return value as Readonly<Record<string, unknown>>;
}

const refused = (message: string, cause?: unknown): WeightlockError =>
  new WeightlockError('E_SCHEMA', message, { cause, next: 'Send pods here through the API server only.' });
