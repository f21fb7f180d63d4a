// What every AWS SDK client of ours is made with: one attempt a call (core/retry.ts tries again), a connection timeout, the named credentials.
import type { KMSClientConfig } from '@aws-sdk/client-kms';
import type { AwsAccess } from './access.ts';
import { identityProvider } from './credentials.ts';
import type { ServicePlace } from './endpoint-guard.ts';
import { checkEndpoint, parseOrigin } from './endpoints.ts';
import { searchedRegion } from './region.ts';

/** To a TCP and TLS connection. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Of one client: the parts of an upload and small requests beside them. */
const MAX_SOCKETS = 16;

export interface ClientPlace extends ServicePlace {
  /** Absent: the SDK's own search, for the CLI's default chain alone. */
  readonly region?: string;
}

export type SharedConfig = Pick<KMSClientConfig, 'region' | 'endpoint' | 'maxAttempts' | 'requestHandler'> & Required<Pick<KMSClientConfig, 'credentials'>>;

/** Credentials of unsigned requests: never sent, because the signer is replaced; there so that the SDK looks nowhere else. */
const NOBODY = { accessKeyId: 'anonymous', secretAccessKey: 'anonymous' };

/** Throws E_CONFIG and E_ENDPOINT_REFUSED before any client exists. */
export function clientConfig(place: ClientPlace, access: AwsAccess): SharedConfig {
  if (place.endpoint !== undefined) checkEndpoint(place.service, parseOrigin(place.endpoint), access);
  return {
    region: place.region ?? searchedRegion,
    ...(place.endpoint === undefined ? {} : { endpoint: place.endpoint }),
    credentials: identityProvider(access, place.region) ?? NOBODY,
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      httpAgent: { maxSockets: MAX_SOCKETS },
      httpsAgent: { maxSockets: MAX_SOCKETS, ...(access.caPem === undefined ? {} : { ca: access.caPem }) },
    },
  };
}
