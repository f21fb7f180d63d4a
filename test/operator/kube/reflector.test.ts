// Against a real API server that is killed, frozen and started again.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type ApiClient, connect } from '../../../operator/kube/client.ts';
import { createObject, mergePatch } from '../../../operator/kube/objects.ts';
import { reflector, type Reflector } from '../../../operator/kube/reflector.ts';
import { collectionPath, objectPath, type Resource } from '../../../operator/kube/resource.ts';
import { keyOf, type Stored } from '../../../operator/kube/store.ts';
import { type ApiServer, startApiServer } from '../../support/apiserver.ts';
import { eventually } from '../../support/eventually.ts';
import { type KeptLog, keptLog } from '../../support/kept-log.ts';

interface ConfigMap extends Stored {
  readonly metadata: Stored['metadata'] & { readonly labels?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
}
const CONFIG_MAPS: Resource = { group: '', version: 'v1', plural: 'configmaps' };
const NAMESPACE = 'default';
const soon = (): AbortSignal => AbortSignal.timeout(60_000);

let server: ApiServer;
let admin: ApiClient;
let stop: AbortController;
let watching: { reflector: Reflector<ConfigMap>; client: ApiClient; running: Promise<void>; changes: string[]; log: KeptLog } | undefined;

const create = (name: string, data: Record<string, string> = {}): Promise<unknown> =>
  createObject(admin, CONFIG_MAPS, NAMESPACE, { metadata: { name, labels: { watched: 'yes' } }, data }, soon());
const change = (name: string, data: Record<string, string>): Promise<unknown> => mergePatch(admin, CONFIG_MAPS, { namespace: NAMESPACE, name }, { data }, soon());
const remove = (name: string): Promise<unknown> => admin.json({ method: 'DELETE', path: objectPath(CONFIG_MAPS, { namespace: NAMESPACE, name }), signal: soon() });

function watch({ pageSize = 500, silenceMs = 150_000, through = (client: ApiClient): ApiClient => client } = {}) {
  const changes: string[] = [];
  const log = keptLog();
  const client = through(connect(server.config(), 'test'));
  const configMaps = reflector<ConfigMap, ConfigMap>({
    client,
    resource: CONFIG_MAPS,
    namespace: NAMESPACE,
    labelSelector: 'watched',
    trim: ({ metadata, data }) => ({ metadata, data: data ?? {} }),
    index: ({ data }) => Object.keys(data ?? {}),
    changed: (before, after) => changes.push(`${before === undefined ? 'new' : after === undefined ? 'gone' : 'changed'} ${(after ?? before)?.metadata.name ?? ''}`),
    log,
    pageSize,
    silenceMs,
  });
  watching = { reflector: configMaps, client, running: configMaps.run(stop.signal), changes, log };
  return watching;
}

beforeAll(async () => {
  server = await startApiServer();
  admin = connect(server.config(), 'test');
}, 120_000);
afterAll(async () => {
  await admin.close();
  await server.close();
});
beforeEach(() => {
  stop = new AbortController();
});
afterEach(async () => {
  server.thaw();
  stop.abort();
  await watching?.running;
  await watching?.client.close();
  watching = undefined;
  await admin.json({ method: 'DELETE', path: collectionPath(CONFIG_MAPS, NAMESPACE), query: { labelSelector: 'watched' }, signal: soon() });
}, 60_000);

describe('a reflector', () => {
  test('lists in pages and then follows what is created, changed and deleted', async () => {
    for (let i = 0; i < 7; i++) await create(`object-${String(i)}`, { color: 'red' });
    const { reflector: configMaps, changes } = watch({ pageSize: 3 });
    await configMaps.synced(soon());
    expect(configMaps.store.size).toBe(7);
    expect(configMaps.store.indexed('color')).toHaveLength(7);

    await create('later');
    await change('object-0', { color: 'blue', size: '1' });
    await remove('object-1');
    await eventually('all three changes', () => changes.length === 10);
    expect(changes.slice(7)).toEqual(['new later', 'changed object-0', 'gone object-1']);
    expect(configMaps.store.get('default/object-0')?.data).toEqual({ color: 'blue', size: '1' });
    expect(configMaps.store.indexed('size').map(({ metadata }) => keyOf(metadata))).toEqual(['default/object-0']);
    expect(configMaps.store.get('default/object-1')).toBeUndefined();
  });

  test('sees what happened while the API server was dead to it, and reports each change once', async () => {
    await create('kept', { round: '1' });
    await create('lost');
    const { reflector: configMaps, changes } = watch();
    await configMaps.synced(soon());
    await server.kill();
    await server.start(); // its watch cache begins now: the old resource version may be too old for it (410)
    await change('kept', { round: '2' });
    await remove('lost');
    await create('found');
    await eventually('the new state', () => configMaps.store.get('default/found') !== undefined && configMaps.store.get('default/lost') === undefined, 60_000);
    expect(configMaps.store.get('default/kept')?.data).toEqual({ round: '2' });
    expect([...changes].sort()).toEqual(['changed kept', 'gone lost', 'new found', 'new kept', 'new lost']);
  }, 120_000);

  test('lists again where its resource version is too old for the API server (410), and tells of no change twice', async () => {
    await create('kept');
    await create('other');
    let asked = 0;
    const { reflector: configMaps, changes, log } = watch({
      through: (client) => ({
        ...client,
        lines: (call, silenceMs) => {
          asked += 1;
          return client.lines(asked > 1 ? call : { ...call, query: { ...call.query, resourceVersion: '1' } }, silenceMs);
        },
      }),
    });
    await configMaps.synced(soon());
    await eventually('a second watch', () => asked === 2);
    await create('later');
    await eventually('the new object', () => changes.includes('new later'));
    expect(log.lines.map(({ fields }) => fields.reason)).toEqual([expect.stringContaining('410 too old resource version')]);
    expect([...changes].sort()).toEqual(['new kept', 'new later', 'new other']);
  });

  test('gives up a watch that stays silent and goes on once the server speaks again', async () => {
    const { reflector: configMaps, changes, log } = watch({ silenceMs: 1500 });
    await configMaps.synced(soon());
    await create('before');
    await eventually('the watch at work', () => changes.includes('new before'));
    server.freeze();
    await eventually('the silence noticed', () => log.lines.some(({ message }) => message === 'watching was interrupted'));
    server.thaw();
    await create('after');
    await eventually('the new object', () => changes.includes('new after'), 60_000);
  }, 120_000);

  test('waits for its first list as long as the API server is away, and its loop stays alive', async () => {
    await server.kill();
    const { reflector: configMaps, log } = watch();
    await eventually('three tries', () => log.lines.filter(({ message }) => message === 'watching was interrupted').length >= 3);
    const turn = configMaps.lastTurnMs;
    await eventually('another turn', () => configMaps.lastTurnMs > turn);
    expect(configMaps.isSynced).toBe(false);
    await server.start();
    await configMaps.synced(soon());
    expect(configMaps.isSynced).toBe(true);
  }, 120_000);

  test('ends at once when told to, in the middle of a watch', async () => {
    const { reflector: configMaps, running } = watch();
    await configMaps.synced(soon());
    stop.abort();
    await running;
  });

  test('stops waiting for its first list when the caller does', async () => {
    const waiting = reflector<ConfigMap, ConfigMap>({ client: admin, resource: CONFIG_MAPS, trim: (object) => object, changed: () => undefined, log: keptLog() });
    await expect(waiting.synced(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});
