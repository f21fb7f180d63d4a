// `--check`: steps 1-6 of the order of opening (format.md §8). Fetches, unwraps and opens the manifest; asks for no weights and writes nothing.
import type { DecryptorConfig } from '../core/api/decryptor-config.ts';
import type { Logger } from '../core/log.ts';
import { openModel } from '../core/opening/open-model.ts';
import { totalsOf } from '../core/opening/selection.ts';
import { openReader } from './reader.ts';
import type { Report } from './report.ts';
import { sayOpened } from './say-opened.ts';

export async function checkModel(config: DecryptorConfig, report: Report, log: Logger, signal: AbortSignal): Promise<void> {
  using reader = await openReader(config, () => Date.now() / 1000);
  using model = await openModel(reader.policy, reader.store, reader.keys, signal);
  report.unwrapped = model.unwrapped;
  Object.assign(report, totalsOf(model.selected));
  sayOpened(model, log);
}
