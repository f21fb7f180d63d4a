// The operator from start to stop: which loops there are, in which order they start, what must be true before pods are sent here, and how it leaves.
import type { KubeConfig } from '@kubernetes/client-node';
import { EVENT_CONTROLLER, INJECT_LABEL, WEBHOOK_CONFIGURATION } from '../core/api/names.ts';
import type { Logger } from '../core/log.ts';
import { VERSION } from '../core/version.ts';
import { caKeeper } from './certs/ca-keeper.ts';
import { selfManaged } from './certs/self-managed.ts';
import type { OperatorConfig } from './config.ts';
import { startHealth } from './health.ts';
import { isConflict } from './kube/api-error.ts';
import { connect } from './kube/client.ts';
import { recorder } from './kube/events.ts';
import { elector } from './kube/lease.ts';
import { modelLookup } from './kube/model-lookup.ts';
import { pause } from './kube/pause.ts';
import { reflector } from './kube/reflector.ts';
import { ENCRYPTED_MODELS, MUTATING_WEBHOOKS, PODS } from './kube/resource.ts';
import { keyOf } from './kube/store.ts';
import { trimWebhookConfiguration, trusts, type WebhookConfiguration } from './kube/webhook-configuration.ts';
import { workQueue } from './kube/workqueue.ts';
import { createMetrics, endedLoads } from './metrics.ts';
import { modelsOf, type ObservedPod, observePod, type RawPod } from './reconcile/pod.ts';
import { reconcileModel, type StoredModel, trimModel } from './reconcile/reconcile-model.ts';
import { startWebhook } from './webhook/server.ts';

/** Names that the chart gives (charts/weightlock/templates/_names.tpl). */
const INSTALLED = { service: 'weightlock-operator', lease: 'weightlock-operator', caSecret: 'weightlock-ca' } as const;

/** The deadline and the linger below fit into the pod's grace period of 30 s. */
const RECONCILE = { concurrency: 4, deadlineMs: 10_000, backoff: { firstMs: 500, capMs: 5 * 60_000 } };
/** Pods of a rollout change in bursts: one look for all of them. */
const GATHER_MS = 250;
const RESYNC_MS = 10 * 60_000;
const WATCH_STUCK_MS = 5 * 60_000; // a silent watch ends after 150 s, a call after 30 s, a back-off after 30 s
const LEASE_STUCK_MS = 2 * 60_000; // a try takes 12 s at most, the end of a term as long as one reconcile
/** Time for the API server to hear that this endpoint is going, before it stops answering. */
const LINGER_MS = 15_000;

/** Works until `signal` aborts, then leaves in order. Rejects only where it cannot start. */
export async function operate(config: OperatorConfig, kubeconfig: KubeConfig, log: Logger, signal: AbortSignal): Promise<void> {
  const { namespace, podName } = config;
  const client = connect(kubeconfig, `weightlock-operator/${VERSION}`);
  const stop = new AbortController();
  const loops: Promise<void>[] = [];

  const models = reflector<StoredModel, StoredModel>({
    client, log, resource: ENCRYPTED_MODELS, trim: trimModel,
    changed: (before, after) => {
      const model = after ?? before;
      if (model !== undefined) queue.add(keyOf(model.metadata));
    },
  });
  const pods = reflector<RawPod, ObservedPod>({
    client, log, resource: PODS, labelSelector: INJECT_LABEL, index: modelsOf,
    trim: (raw) => observePod(raw, [config.decryptorImage]),
    changed: (before, after) => {
      for (const key of new Set([before, after].flatMap((pod) => (pod === undefined ? [] : modelsOf(pod))))) queue.addAfter(key, GATHER_MS);
      if (after !== undefined && pods.isSynced) for (const load of endedLoads(before, after)) metrics.load(load);
    },
  });
  const configurations = reflector<WebhookConfiguration, WebhookConfiguration>({
    client, log, resource: MUTATING_WEBHOOKS, fieldSelector: `metadata.name=${WEBHOOK_CONFIGURATION}`, trim: trimWebhookConfiguration, changed: () => undefined,
  });

  const events = recorder({ client, instance: podName, controller: EVENT_CONTROLLER, log });
  const election = elector({ client, namespace, name: INSTALLED.lease, identity: podName, log, now: () => performance.now() });
  const certificates = selfManaged({
    keeper: caKeeper(client, { namespace, name: INSTALLED.caSecret }),
    dnsNames: [`${INSTALLED.service}.${namespace}.svc`],
    isLeader: () => election.isLeader,
    log,
    now: () => Date.now(),
  });
  const certificate = (): string | undefined => (certificates.isReady ? certificates.current().certificate : undefined);

  const world = { client, models: models.store, pods: pods.store, recorder: events, allowedEndpoints: config.allowedEndpoints, now: () => Date.now() };
  const queue = workQueue({
    ...RECONCILE,
    work: async (key, deadline) => {
      if (!election.isLeader) return; // whoever leads next looks at everything
      const startedMs = performance.now();
      let result: 'ok' | 'error' = 'error';
      try {
        await reconcileModel(key, world, deadline);
        result = 'ok';
      } finally {
        metrics.reconcile(result, performance.now() - startedMs);
      }
    },
    failed: (key, error, attempt) => log[isConflict(error) ? 'debug' : 'warn']('a model could not be reconciled yet', { model: key, attempt, reason: error instanceof Error ? error.message : String(error) }),
  });
  const metrics = createMetrics({ models: models.store, pods: pods.store, queueDepth: () => queue.depth, certificate });

  let admitting = false;
  const trusted = (): boolean => {
    const served = certificate();
    return served !== undefined && [...configurations.store.values()].some((configuration) => trusts(configuration, served));
  };
  const health = await startHealth({
    host: '::',
    port: config.metricsPort,
    log,
    metrics: () => metrics.page(),
    alive: () => [
      ...[models, pods, configurations].some(({ lastTurnMs }) => stuck(lastTurnMs, WATCH_STUCK_MS)) ? ['a watch is stuck'] : [],
      ...stuck(election.lastTurnMs, LEASE_STUCK_MS) ? ['the election is stuck'] : [],
    ],
    ready: () => [
      ...models.isSynced && pods.isSynced && configurations.isSynced ? [] : ['the caches are not filled yet'],
      ...certificates.isReady ? [] : ['there is no serving certificate yet'],
      ...trusted() ? [] : [`the MutatingWebhookConfiguration ${WEBHOOK_CONFIGURATION} does not hold our CA (yet)`],
      ...signal.aborted ? ['leaving'] : admitting ? [] : ['the webhook does not listen yet'],
    ],
  });

  async function lead(term: AbortSignal): Promise<void> {
    await Promise.all([models.synced(term), pods.synced(term)]).catch(() => undefined); // aborted: the loops below end at once
    const working = queue.run(term);
    while (!term.aborted) {
      for (const model of models.store.values()) queue.add(keyOf(model.metadata));
      await pause(RESYNC_MS, term);
    }
    await working;
  }

  try {
    loops.push(models.run(stop.signal), pods.run(stop.signal), configurations.run(stop.signal), events.run(stop.signal), certificates.run(stop.signal), election.run(lead, stop.signal));
    await Promise.all([models.synced(signal), pods.synced(signal), certificates.ready(signal)]);
    const webhook = await startWebhook({
      host: '::',
      port: config.webhookPort,
      certificates,
      lookup: modelLookup(client, models.store),
      settings: { image: config.decryptorImage, version: VERSION, allowedEndpoints: config.allowedEndpoints },
      log,
      onOutcome: (outcome) => metrics.admission(outcome),
    });
    admitting = true;
    log.info('admitting pods', { port: webhook.port });
    await aborted(signal);
    log.info('leaving');
    await webhook.stop(LINGER_MS);
  } catch (error) {
    if (!signal.aborted) throw error; // told to leave before it was ready: no failure
  } finally {
    stop.abort();
    await Promise.all(loops);
    await health.stop();
    await client.close();
  }
}

const stuck = (lastTurnMs: number, limitMs: number): boolean => performance.now() - lastTurnMs > limitMs;

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
