// The conditions of a model. Ready speaks of the spec alone: were it to wait for pods, GitOps waves would dead-lock (the pods come in a later wave).
import type { EncryptedModelStatus } from '../../core/api/encrypted-model.ts';
import type { Consumer } from './consumers.ts';
import type { Knowledge } from './status.ts';

export type Condition = NonNullable<EncryptedModelStatus['conditions']>[number];
type Statement = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

const MESSAGE_LIMIT = 2000;

export function conditionsOf({ generation, problem, secret, consumers, before, now }: Knowledge): Condition[] {
  const wrong = problem === undefined ? undefined : { reason: problem.code, message: `${problem.message}. ${problem.next ?? ''}`.trim() };
  const statements: readonly Statement[] = [
    wrong === undefined ? { type: 'Ready', status: 'True', reason: 'Accepted', message: 'pods of this namespace may ask for this model' } : { type: 'Ready', status: 'False', ...wrong },
    { type: 'Reconciling', status: 'False', reason: 'Observed', message: 'this generation has been looked at' },
    wrong === undefined ? { type: 'Stalled', status: 'False', reason: 'Accepted', message: 'nothing waits for a person' } : { type: 'Stalled', status: 'True', ...wrong },
    consumersHealthy(consumers, secret),
  ];
  return statements.map((statement) => {
    const previous = before?.conditions?.find(({ type }) => type === statement.type);
    const lastTransitionTime = previous?.status === statement.status ? previous.lastTransitionTime : now;
    const message = statement.message.length > MESSAGE_LIMIT ? `${statement.message.slice(0, MESSAGE_LIMIT)}…` : statement.message;
    return { ...statement, message, lastTransitionTime, observedGeneration: generation };
  });
}

/** A pod that tries again after a failure is in trouble until it succeeds: the condition does not flap with each try. */
function consumersHealthy(consumers: readonly Consumer[], secret: string | undefined): Statement {
  const type = 'ConsumersHealthy';
  const total = consumers.length;
  if (total === 0) return { type, status: 'True', reason: 'NoConsumers', message: 'no pod carries this model' };
  const troubled = consumers.filter(({ load }) => load.failure !== undefined && load.phase !== 'Ready');
  const first = troubled[0];
  if (first?.load.failure !== undefined) {
    const { code, message } = first.load.failure;
    return { type, status: 'False', reason: asReason(code), message: `${countOf(troubled.length, total)} cannot load it: ${code} in pod ${first.pod.metadata.name}: ${message}` };
  }
  const loading = consumers.filter(({ load }) => load.phase === 'Loading');
  const stuck = loading.find(({ pod }) => pod.unschedulable);
  if (stuck !== undefined) {
    const { name, namespace } = stuck.pod.metadata;
    return { type, status: 'Unknown', reason: 'Unschedulable', message: `no node takes pod ${name}, which asks for the model's memory beside its own. See kubectl describe pod ${name} -n ${namespace}.` };
  }
  const waiting = loading.find(({ load }) => load.waiting);
  if (waiting !== undefined) {
    const { name, namespace } = waiting.pod.metadata;
    const mounts = secret === undefined ? '' : ` It mounts the Secret ${secret}, which must be there.`;
    const message = `${countOf(loading.length, total)} still start or load; pod ${name} waits for its containers to be set up.${mounts} Where that lasts, kubectl describe pod ${name} -n ${namespace} says why.`;
    return { type, status: 'Unknown', reason: 'Starting', message };
  }
  if (loading.length > 0) return { type, status: 'Unknown', reason: 'Loading', message: `${countOf(loading.length, total)} still load it` };
  return { type, status: 'True', reason: 'Loaded', message: `${countOf(total, total)} hold it in memory` };
}

const countOf = (some: number, total: number): string => `${String(some)} of ${String(total)} pods`;

/** metav1.Condition: the kubelet's reasons are CamelCase already; whatever is not, is not repeated. */
const asReason = (code: string): string => (/^[A-Za-z]([A-Za-z0-9_,:]{0,126}[A-Za-z0-9_])?$/.test(code) ? code : 'Failed');
