// Where requests may go, decided before the first byte leaves (product.md): credentials reach the provider's own hosts or an origin the operator of the
// installation listed, and nobody else.
import { needs, WeightlockError } from '../errors.ts';
import type { AwsAccess } from './access.ts';
import type { CredentialSource } from './credential-source.ts';

export type AwsService = 's3' | 'kms' | 'sts';

/** DNS suffixes of all AWS partitions, IPv4 and dual-stack (botocore's partitions.json). */
const PROVIDER_SUFFIXES = [
  'amazonaws.com', 'api.aws',
  'amazonaws.com.cn', 'api.amazonwebservices.com.cn',
  'amazonaws.eu', 'api.amazonwebservices.eu',
  'c2s.ic.gov', 'api.aws.ic.gov',
  'sc2s.sgov.gov', 'api.aws.scloud',
  'cloud.adc-e.uk', 'api.cloud-aws.adc-e.uk',
  'csp.hci.ic.gov', 'api.aws.hci.ic.gov',
];

/**
 * Whether `host` is the service's own. Narrower than the suffix: customers' machines bear AWS names too (`ec2-….compute.amazonaws.com`,
 * `….elb.amazonaws.com`), so the labels before the suffix must be [x.]SERVICE[-variant][.dualstack][.REGION][.vpce].
 */
export function isProviderHost(service: AwsService, host: string): boolean {
  const suffix = PROVIDER_SUFFIXES.find((candidate) => host.endsWith(`.${candidate}`));
  if (suffix === undefined) return false;
  const labels = host.slice(0, -suffix.length - 1);
  return new RegExp(`^(.+\\.)?${service}(-[a-z0-9-]+)?(\\.dualstack)?(\\.[a-z]{2,}(-[a-z]+)+-[0-9]+)?(\\.vpce)?$`).test(labels);
}

/** `text` as an origin. Throws E_CONFIG: an endpoint has no path, query, user or fragment. */
export function parseOrigin(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isOrigin = url !== null && (url.protocol === 'https:' || url.protocol === 'http:') && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  if (!isOrigin) throw new WeightlockError('E_CONFIG', `the endpoint ${JSON.stringify(text)} is not an origin`, { next: 'Write scheme, host and port only, such as https://minio.example:9000.' });
  return url;
}

type Reach = { readonly kind: 'anywhere' } | { readonly kind: 'anyHttps' } | { readonly kind: 'providerOnly' };

/** How far each kind of credential may travel without being listed. */
function reachOf(source: CredentialSource): Reach {
  switch (source.kind) {
    case 'anonymous': return { kind: 'anywhere' };
    case 'files': return { kind: 'anyHttps' }; // given for this model's servers, by the model's own namespace
    case 'webIdentity': case 'container': case 'instanceRole': case 'default': return { kind: 'providerOnly' };
    default: return source satisfies never;
  }
}

/** Throws E_ENDPOINT_REFUSED where `access` may not be used at `endpoint`. */
export function checkEndpoint(service: AwsService, endpoint: URL, access: AwsAccess): void {
  const reach = reachOf(access.credentials);
  if (reach.kind === 'anywhere' || access.allowedEndpoints.some((allowed) => parseOrigin(allowed).origin === endpoint.origin)) return;
  // product.md: `http://` never carries credentials unless that origin is listed.
  needs(endpoint.protocol === 'https:', 'E_ENDPOINT_REFUSED', `${endpoint.origin} would get credentials over unencrypted HTTP`,
    `Use https, or add ${endpoint.origin} to allowedEndpoints if that network is trusted.`);
  if (reach.kind === 'anyHttps') return;
  // product.md: ambient credentials go only to the provider's own domain suffixes or to listed origins.
  needs(isProviderHost(service, endpoint.hostname), 'E_ENDPOINT_REFUSED',
    `${endpoint.origin} is not one of AWS's own ${service.toUpperCase()} hosts, and the credentials (${access.credentials.kind}) were not given for it`,
    `Give the model credentials of its own (access.secretRef), or add ${endpoint.origin} to allowedEndpoints.`);
}
