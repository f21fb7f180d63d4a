// The operator: admits pods, keeps its certificates, tells how each model fares. Ends with 0 when told to (SIGTERM), else with the class of the error.
import { KubeConfig } from '@kubernetes/client-node';
import { asWeightlockError } from '../core/errors.ts';
import { createLogger } from '../core/log.ts';
import { VERSION } from '../core/version.ts';
import { readConfig } from './config.ts';
import { operate } from './operate.ts';

const stop = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.on(name, () => stop.abort(new Error(`ended by ${name}`)));
}

async function main(): Promise<number> {
  const config = readConfig();
  const log = createLogger(config.logLevel, process.stdout);
  try {
    log.info('weightlock-operator', { version: VERSION, namespace: config.namespace, pod: config.podName });
    const kubeconfig = new KubeConfig();
    if (config.kubeconfig === undefined) kubeconfig.loadFromCluster();
    else kubeconfig.loadFromFile(config.kubeconfig);
    await operate(config, kubeconfig, log, stop.signal);
    return 0;
  } catch (error) {
    const { code, message, next, exit } = asWeightlockError(error);
    log.error(message, { code, ...(next === undefined ? {} : { next }) });
    return exit;
  } finally {
    await log.close();
  }
}

try {
  process.exit(await main());
} catch (error) {
  const { code, message, next, exit } = asWeightlockError(error);
  process.stderr.write(`${code}: ${message}\n${next === undefined ? '' : `${next}\n`}`);
  process.exit(exit);
}
