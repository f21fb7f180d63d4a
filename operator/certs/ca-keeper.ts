// The CA's Secret and the webhook configuration's `caBundle`, at the API server.
import { FIELD_MANAGER, WEBHOOK_CONFIGURATION } from '../../core/api/names.ts';
import { isConflict } from '../kube/api-error.ts';
import { applyObject } from '../kube/apply.ts';
import type { ApiClient } from '../kube/client.ts';
import { getObject, mergePatch } from '../kube/objects.ts';
import { MUTATING_WEBHOOKS, type ObjectName, SECRETS } from '../kube/resource.ts';
import type { CaKeeper } from './self-managed.ts';

interface Secret {
  readonly metadata: { readonly resourceVersion: string };
  readonly data?: Readonly<Record<string, string>>;
}
interface WebhookConfiguration {
  readonly metadata: { readonly uid: string };
  readonly webhooks?: readonly { readonly name: string }[];
}

/** Every member that the Secret may have; one that is not kept any more is removed (null, RFC 7396). */
const MEMBERS = ['tls.crt', 'tls.key', 'previous.crt'];

/** `secret`: the one Secret of this installation; the operator's role names it. */
export function caKeeper(client: ApiClient, secret: Required<ObjectName>): CaKeeper {
  return {
    async readSecret(signal) {
      const found = await getObject<Secret>(client, SECRETS, secret, signal);
      if (found === undefined) return undefined;
      const data = Object.fromEntries(Object.entries(found.data ?? {}).map(([name, value]) => [name, Buffer.from(value, 'base64')]));
      return { resourceVersion: found.metadata.resourceVersion, data };
    },
    async writeSecret({ resourceVersion, data }, signal) {
      const members = Object.fromEntries(MEMBERS.map((name) => [name, data[name]?.toString('base64') ?? null]));
      try {
        await mergePatch(client, SECRETS, secret, { metadata: { resourceVersion }, data: members }, signal);
        return true;
      } catch (error) {
        if (isConflict(error)) return false;
        throw error;
      }
    },
    async applyBundle(bundle, signal) {
      const name = { name: WEBHOOK_CONFIGURATION };
      const found = await getObject<WebhookConfiguration>(client, MUTATING_WEBHOOKS, name, signal);
      if (found === undefined) throw new Error(`MutatingWebhookConfiguration ${WEBHOOK_CONFIGURATION} is not there; apply the chart again`);
      const caBundle = Buffer.from(bundle).toString('base64');
      const webhooks = (found.webhooks ?? []).map((entry) => ({ name: entry.name, clientConfig: { caBundle } }));
      // The uid: a configuration made anew in between must not be brought into being by this apply, without rules.
      await applyObject(
        client,
        {
          ...name,
          resource: MUTATING_WEBHOOKS,
          kind: 'MutatingWebhookConfiguration',
          uid: found.metadata.uid,
          fields: { webhooks },
          fieldManager: FIELD_MANAGER.caBundle,
        },
        signal,
      );
    },
  };
}
