// Our MutatingWebhookConfiguration: whether the API server, with the CA bundle that stands there, would trust the certificate that we serve.
import { X509Certificate } from 'node:crypto';
import type { Stored } from './store.ts';

export interface WebhookConfiguration extends Stored {
  readonly webhooks?: readonly { readonly name: string; readonly clientConfig?: { /** Base64 of PEM. */ readonly caBundle?: string } }[];
}

/** What the cache keeps of it. */
export const trimWebhookConfiguration = ({ metadata, webhooks = [] }: WebhookConfiguration): WebhookConfiguration => ({
  metadata: { name: metadata.name, uid: metadata.uid, resourceVersion: metadata.resourceVersion },
  webhooks: webhooks.map(({ name, clientConfig }) => ({ name, clientConfig: { caBundle: clientConfig?.caBundle ?? '' } })),
});

/** Whether every entry has a CA that signed `certificate` (PEM, leaf first). */
export function trusts(configuration: WebhookConfiguration, certificate: string): boolean {
  const leaf = new X509Certificate(certificate);
  const entries = configuration.webhooks ?? [];
  return entries.length > 0 && entries.every(({ clientConfig }) => certificatesOf(clientConfig?.caBundle ?? '').some((ca) => leaf.checkIssued(ca) && leaf.verify(ca.publicKey)));
}

function certificatesOf(caBundle: string): readonly X509Certificate[] {
  const pem = Buffer.from(caBundle, 'base64').toString('latin1');
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return []; // somebody else's edit: the leader will put it right
    }
  });
}
