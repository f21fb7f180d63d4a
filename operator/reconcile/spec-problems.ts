// What the CRD's schema cannot see in a spec: whether this installation lets the model's credentials go where it says.
import type { EncryptedModelSpec } from '../../core/api/encrypted-model.ts';
import { type AwsService, checkEndpoint, parseOrigin } from '../../core/aws/endpoints.ts';
import type { CredentialSource } from '../../core/aws/credential-source.ts';
import { asWeightlockError, type WeightlockError } from '../../core/errors.ts';

/** The first thing wrong; undefined where pods may be injected. The same check as the decryptor's own, before any pod waits for it. */
export function specProblem(spec: EncryptedModelSpec, allowedEndpoints: readonly string[]): WeightlockError | undefined {
  const credentials = sourceOf(spec);
  const endpoints: readonly (readonly [AwsService, string | undefined])[] = [
    ['s3', spec.source.s3?.endpoint],
    ...spec.keys.map((key): readonly [AwsService, string | undefined] => ['kms', key.awsKms?.endpoint]),
  ];
  for (const [service, endpoint] of endpoints) {
    if (endpoint === undefined) continue;
    // No source in the spec: the pod's own identity, or none. A bucket may be read without one; a KMS cannot be asked without.
    const source = credentials ?? (service === 'kms' ? AMBIENT : undefined);
    if (source === undefined) continue;
    try {
      checkEndpoint(service, parseOrigin(endpoint), { credentials: source, allowedEndpoints });
    } catch (error) {
      return asWeightlockError(error);
    }
  }
  return undefined;
}

const AMBIENT: CredentialSource = { kind: 'container', uri: '', tokenFile: '' };

/** The kind of credentials that admission will name; only the kind is looked at. */
function sourceOf({ access }: EncryptedModelSpec): CredentialSource | undefined {
  if (access?.secretRef !== undefined) return { kind: 'files', directory: '' };
  if (access?.awsRoleArn !== undefined) return { kind: 'webIdentity', roleArn: access.awsRoleArn, tokenFile: '' };
  return access?.instanceRole === true ? { kind: 'instanceRole' } : undefined;
}
