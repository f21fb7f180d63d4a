// The region where nobody named one: the SDK's own search (AWS_REGION, the profile), for the CLI's default chain alone.
import { KMSClient } from '@aws-sdk/client-kms';
import { WeightlockError } from '../errors.ts';

/** Throws E_CONFIG where the search finds nothing. */
export async function searchedRegion(): Promise<string> {
  const client = new KMSClient({});
  try {
    return await client.config.region();
  } catch (error) {
    throw new WeightlockError('E_CONFIG', 'no AWS region is set', { next: 'Set AWS_REGION, or `region` in the profile of ~/.aws/config.', cause: error });
  } finally {
    client.destroy();
  }
}
