// AWS credentials from the named source. Files are read anew for every signature, so a rotated Secret or token counts at once; nothing is cached here.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromHttp, fromInstanceMetadata, fromNodeProviderChain, fromTokenFile } from '@aws-sdk/credential-providers';
import { WeightlockError } from '../errors.ts';
import type { AwsAccess } from './access.ts';
import { endpointGuard } from './endpoint-guard.ts';
import { checkEndpoint, parseOrigin } from './endpoints.ts';

export interface AwsIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}
export type IdentityProvider = () => Promise<AwsIdentity>;

const TIMEOUT_MS = 5_000;
/** The agent is on the same node. The SDK waits as long again between its tries. */
const AGENT_TIMEOUT_MS = 1_500;
/** The SDK asks again for an identity that expires within five minutes: so it reads ours for every signature. */
const REREAD_MS = 60_000;

/** Where identities come from; null for unsigned requests. Throws E_CONFIG, E_ENDPOINT_REFUSED; the provider throws E_CREDENTIALS. */
export function identityProvider(access: AwsAccess, region: string | undefined): IdentityProvider | null {
  const source = access.credentials;
  switch (source.kind) {
    case 'anonymous': return null;
    case 'files': return () => readIdentity(source.directory);
    case 'webIdentity': {
      // product.md: a projected token is a credential itself, so STS is held to the same rule as S3 and KMS.
      if (source.stsEndpoint !== undefined) checkEndpoint('sts', parseOrigin(source.stsEndpoint), access);
      const place = { service: 'sts', ...(source.stsEndpoint === undefined ? {} : { endpoint: source.stsEndpoint }) } as const;
      return explained('web identity', source.roleArn, fromTokenFile({
        roleArn: source.roleArn,
        webIdentityTokenFile: source.tokenFile,
        roleSessionName: 'weightlock',
        clientConfig: {
          ...(region === undefined ? {} : { region }),
          ...(source.stsEndpoint === undefined ? {} : { endpoint: source.stsEndpoint }),
          maxAttempts: 3,
          requestHandler: { connectionTimeout: TIMEOUT_MS, requestTimeout: TIMEOUT_MS, throwOnRequestTimeout: true, ...(access.caPem === undefined ? {} : { httpsAgent: { ca: access.caPem } }) },
        },
        clientPlugins: [endpointGuard(place, access)],
      }));
    }
    case 'container':
      // The SDK admits https, loopback and the two link-local addresses of ECS and EKS only.
      return explained('container credentials', source.uri, fromHttp({ awsContainerCredentialsFullUri: source.uri, awsContainerAuthorizationTokenFile: source.tokenFile, timeout: AGENT_TIMEOUT_MS, maxRetries: 2 }));
    case 'instanceRole': return explained('the node\'s instance role', '169.254.169.254', fromInstanceMetadata({ timeout: TIMEOUT_MS, maxRetries: 2 }));
    case 'default': return explained('the default chain', 'environment, profile, SSO, web identity, container, instance', fromNodeProviderChain(),
      'Sign in (aws sso login, aws configure), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or choose a profile with AWS_PROFILE.');
    default: return source satisfies never;
  }
}

/** Reads a mounted Secret: accessKeyId, secretAccessKey, optional sessionToken. */
async function readIdentity(directory: string): Promise<AwsIdentity> {
  const read = async (name: string): Promise<string> => (await readFile(join(directory, name), 'utf8')).trim();
  const required = async (name: string): Promise<string> => {
    const value = await read(name).catch((error: unknown) => {
      throw new WeightlockError('E_CREDENTIALS', `there is no readable ${name} in ${directory}`, { next: 'Give the Secret the keys accessKeyId and secretAccessKey.', cause: error });
    });
    if (value === '') throw new WeightlockError('E_CREDENTIALS', `${name} in ${directory} is empty`, { next: `Put a value under ${name} into the Secret.` });
    return value;
  };
  const [accessKeyId, secretAccessKey, sessionToken] = await Promise.all([required('accessKeyId'), required('secretAccessKey'), read('sessionToken').catch(() => '')]);
  return { accessKeyId, secretAccessKey, ...(sessionToken === '' ? {} : { sessionToken }), expiration: new Date(Date.now() + REREAD_MS) };
}

const ROLE_ADVICE = 'Check that the role exists, that its trust policy names this account, and that the token or metadata service can be reached.';

function explained(what: string, from: string, provider: IdentityProvider, next = ROLE_ADVICE): IdentityProvider {
  return async () => {
    try {
      return await provider();
    } catch (error) {
      if (error instanceof WeightlockError) throw error;
      const { name, message } = error as Error;
      const why = name === 'SyntaxError' ? 'its answer is not JSON' : message; // V8 quotes what it could not read, and that holds a secret
      throw new WeightlockError('E_CREDENTIALS', `no credentials from ${what} (${from}): ${why}`,
        { next, cause: error });
    }
  };
}

/** The SDK's marks of where an identity came from (its user-agent features), most specific first. */
const TAKEN: readonly (readonly [feature: string, words: string])[] = [
  ['CREDENTIALS_STS_ASSUME_ROLE_WEB_ID', 'web identity (STS)'],
  ['CREDENTIALS_STS_ASSUME_ROLE', 'an assumed role of a profile (STS)'],
  ['CREDENTIALS_PROFILE_SSO', 'a profile\'s single sign-on'],
  ['CREDENTIALS_SSO', 'single sign-on'],
  ['CREDENTIALS_PROFILE_PROCESS', 'a profile\'s credential_process'],
  ['CREDENTIALS_PROCESS', 'credential_process'],
  ['CREDENTIALS_PROFILE_LOGIN', 'aws login'],
  ['CREDENTIALS_LOGIN', 'aws login'],
  ['CREDENTIALS_PROFILE', 'a profile in ~/.aws'],
  ['CREDENTIALS_ENV_VARS', 'the environment (AWS_ACCESS_KEY_ID)'],
  ['CREDENTIALS_HTTP', 'the container\'s credential service'],
  ['CREDENTIALS_IMDS', 'the machine\'s instance role'],
];

/** For people: which source gave the identity and its access key id, as the CLI says at its start. Throws E_CREDENTIALS. */
export async function credentialsTaken(access: AwsAccess, region?: string): Promise<string> {
  const provider = identityProvider(access, region);
  if (provider === null) return 'none (anonymous requests)';
  const identity = await provider();
  const marks = (identity as { readonly $source?: Readonly<Record<string, string>> }).$source ?? {};
  const from = TAKEN.find(([feature]) => feature in marks)?.[1] ?? access.credentials.kind;
  return `${from}, access key ${identity.accessKeyId}`;
}
