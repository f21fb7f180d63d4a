// The last look before a request leaves: an SDK plug-in that refuses any host the endpoint rule refuses, whatever the SDK, its configuration files or
// the environment (AWS_ENDPOINT_URL, profiles) resolved. SDK clients don't follow redirects, so one look at each request is enough.
import type { fromTokenFile } from '@aws-sdk/credential-providers';
import { needs } from '../errors.ts';
import type { AwsAccess } from './access.ts';
import { type AwsService, checkEndpoint, parseOrigin } from './endpoints.ts';

/** A middleware bundle as every SDK client takes it (`client.middlewareStack.use`). */
export type SdkPlugin = NonNullable<NonNullable<Parameters<typeof fromTokenFile>[0]>['clientPlugins']>[number];

export interface ServicePlace {
  readonly service: AwsService;
  /** Absent: AWS's own for the region. */
  readonly endpoint?: string;
}

/** Throws E_ENDPOINT_REFUSED unless `target` is the configured endpoint, or that endpoint with a bucket's name before it, or AWS's own where none is configured. */
export function checkTarget(place: ServicePlace, access: AwsAccess, target: URL): void {
  if (place.endpoint === undefined) return checkEndpoint(place.service, target, access);
  const endpoint = parseOrigin(place.endpoint);
  needs(target.protocol === endpoint.protocol && (target.host === endpoint.host || target.host.endsWith(`.${endpoint.host}`)), 'E_ENDPOINT_REFUSED',
    `a request for ${endpoint.origin} was about to go to ${target.origin}`, 'Look for endpoint settings in the environment and in ~/.aws/config.');
}

interface OutgoingRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
}

export function endpointGuard(place: ServicePlace, access: AwsAccess): SdkPlugin {
  return {
    applyToStack: (stack) => {
      // Step "build" follows endpoint resolution and precedes signing, of presigned URLs too.
      stack.add(
        (next) => async (args) => {
          const { protocol, hostname, port } = (args as unknown as { readonly request: OutgoingRequest }).request;
          checkTarget(place, access, new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`));
          return next(args);
        },
        { step: 'build', name: 'weightlockEndpointGuard', priority: 'low' },
      );
    },
  };
}
