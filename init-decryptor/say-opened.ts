// The line that joins a load with the key service's own log.
import { LOCAL_KEY_NOTICE } from '../core/keys/local-file.ts';
import type { Logger } from '../core/log.ts';
import type { OpenedModel } from '../core/opening/opened-model.ts';
import { totalsOf } from '../core/opening/selection.ts';

export function sayOpened({ digest, unwrapped, selected }: OpenedModel, log: Logger): void {
  const { provider, key, requestId } = unwrapped;
  log.info('manifest opened', { digest, provider, key, ...(requestId === null ? {} : { kmsRequestId: requestId }), ...totalsOf(selected) });
  if (provider === 'local-file') log.warn(LOCAL_KEY_NOTICE);
}
