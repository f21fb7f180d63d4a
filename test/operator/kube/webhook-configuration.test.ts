import { describe, expect, test } from '@jest/globals';
import { type Authority, makeAuthority } from '../../../operator/certs/authority.ts';
import { signLeaf } from '../../../operator/certs/leaf.ts';
import { trusts, type WebhookConfiguration } from '../../../operator/kube/webhook-configuration.ts';

const NOW = Date.parse('2026-11-23T02:00:00Z');
const pem = ({ certificate }: Authority): string => `${certificate.toString('pem')}\n`;
const configuration = (...bundles: readonly string[]): WebhookConfiguration => ({
  metadata: { name: 'weightlock', uid: 'u', resourceVersion: '1' },
  webhooks: bundles.map((bundle, i) => ({ name: `entry-${String(i)}`, clientConfig: { caBundle: Buffer.from(bundle).toString('base64') } })),
});

describe('a webhook configuration', () => {
  test('trusts a certificate where each entry has the CA that signed it, alone or among others', async () => {
    const [ours, other] = [await makeAuthority(NOW), await makeAuthority(NOW)];
    const { certificate } = await signLeaf(ours, ['weightlock-operator.weightlock-system.svc'], NOW);
    expect(trusts(configuration(pem(ours)), certificate)).toBe(true);
    expect(trusts(configuration(pem(other) + pem(ours), pem(ours)), certificate)).toBe(true);
    expect(trusts(configuration(pem(ours), pem(other)), certificate)).toBe(false);
    expect(trusts(configuration(pem(other)), certificate)).toBe(false);
  });

  test('trusts nothing where the bundle is empty, damaged, or there is no entry', async () => {
    const ours = await makeAuthority(NOW);
    const { certificate } = await signLeaf(ours, ['weightlock-operator.weightlock-system.svc'], NOW);
    const damaged = pem(ours).replace(/[A-Z]{4}/, 'zzzz');
    for (const bundle of ['', 'nonsense', damaged, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----']) expect(trusts(configuration(bundle), certificate)).toBe(false);
    expect(trusts(configuration(), certificate)).toBe(false);
  });
});
