// The story: a sealed model in a store becomes a verified model/ in memory, or nothing at all (format.md §8).
import type { DecryptorConfig } from '../core/api/decryptor-config.ts';
import type { Logger } from '../core/log.ts';
import { loadFiles } from '../core/opening/load-files.ts';
import { openModelRoot } from '../core/opening/model-root.ts';
import { openModel } from '../core/opening/open-model.ts';
import { totalsOf } from '../core/opening/selection.ts';
import { sayOpened } from './say-opened.ts';
import { watchProgress } from './progress.ts';
import { openReader } from './reader.ts';
import type { Report } from './report.ts';
import { checkPlace, checkRoom, readSystemText } from './self-check.ts';

/** Throws what failed; then staging is gone, keys are zeroed and `report` holds how far it came. */
export async function decryptModel(config: DecryptorConfig, report: Report, log: Logger, signal: AbortSignal): Promise<void> {
  const root = await openModelRoot(config.target.path);
  try {
    report.attempts = root.countAttempt();
    checkPlace(root, config, log, readSystemText);

    using reader = await openReader(config, () => Date.now() / 1000);
    using model = await openModel(reader.policy, reader.store, reader.keys, signal);
    report.unwrapped = model.unwrapped;
    const { files, bytes } = totalsOf(model.selected);
    sayOpened(model, log);

    const facts = { digest: model.digest, patterns: config.files, content: config.verify.content };
    if (config.target.reuse && root.holds(facts, model.selected)) {
      log.info('this volume holds the verified model already', { files, bytes });
    } else {
      await root.clear();
      const { connections } = checkRoom(root, model.selected, readSystemText);
      const staging = root.stage(model.selected.map(({ path }) => path));
      const progress = watchProgress(bytes, log, () => performance.now());
      try {
        await loadFiles(model, reader.store, staging, { content: config.verify.content, connections, observer: progress.observer }, signal);
      } finally {
        progress.stop();
        report.bytes = progress.bytes();
      }
      root.publish(facts);
    }
    report.files = files;
    report.bytes = bytes;
  } finally {
    await root.close();
  }
}
