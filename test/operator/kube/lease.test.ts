// Electors against a real API server; their clocks are the test's.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type ApiClient, connect } from '../../../operator/kube/client.ts';
import { type Elector, elector } from '../../../operator/kube/lease.ts';
import { getObject } from '../../../operator/kube/objects.ts';
import { LEASES, objectPath } from '../../../operator/kube/resource.ts';
import { type ApiServer, startApiServer } from '../../support/apiserver.ts';
import { eventually } from '../../support/eventually.ts';
import { keptLog } from '../../support/kept-log.ts';

const NAME = { namespace: 'default', name: 'weightlock-operator' };
const TIMING = { durationMs: 5000, renewMs: 3000, retryMs: 50 }; // room for a machine that is slow
const soon = (): AbortSignal => AbortSignal.timeout(30_000);

let server: ApiServer;
let client: ApiClient;
let replicas: Replica[] = [];
/** Every term of every replica: who, and whether it began or ended. */
let history: string[] = [];

interface Replica {
  readonly elector: Elector;
  readonly stop: AbortController;
  readonly running: Promise<void>;
  /** What its clock shows more than ours. */
  readonly skew: { ms: number };
}

function replica(identity: string): Replica {
  const stop = new AbortController();
  const skew = { ms: 0 };
  const mine = elector({ client, ...NAME, identity, log: keptLog(), now: () => performance.now() + skew.ms, timing: TIMING });
  const lead = async (term: AbortSignal): Promise<void> => {
    history.push(`${identity} begins`);
    await new Promise<void>((resolve) => {
      term.addEventListener('abort', () => resolve(), { once: true });
    });
    history.push(`${identity} ends`);
  };
  const made: Replica = { elector: mine, stop, running: mine.run(lead, stop.signal), skew };
  replicas.push(made);
  return made;
}
const leads = (one: Replica) => (): boolean => one.elector.isLeader;
const holder = async (): Promise<string | undefined> => (await getObject<{ spec: { holderIdentity: string } }>(client, LEASES, NAME, soon()))?.spec.holderIdentity;

beforeAll(async () => {
  server = await startApiServer();
  client = connect(server.config(), 'test');
}, 120_000);
afterAll(async () => {
  await client.close();
  await server.close();
});
beforeEach(() => {
  history = [];
  replicas = [];
});
afterEach(async () => {
  server.thaw();
  for (const { stop } of replicas) stop.abort();
  await Promise.all(replicas.map(({ running }) => running));
  await client.json({ method: 'DELETE', path: objectPath(LEASES, NAME), signal: soon() }).catch(() => undefined);
}, 60_000);

describe('an elector', () => {
  test('leads alone where nobody else wants to, and gives the lease up when it leaves', async () => {
    const one = replica('one');
    await eventually('one leads', leads(one));
    expect(await holder()).toBe('one');
    one.stop.abort();
    await one.running;
    expect(one.elector.isLeader).toBe(false);
    expect(await holder()).toBe('');
    expect(history).toEqual(['one begins', 'one ends']);
  });

  test('of several one leads, and when it leaves another takes over', async () => {
    const all = ['one', 'two', 'three'].map(replica);
    const first = await eventually('a leader', () => all.find((one) => one.elector.isLeader));
    await eventually('the others have looked', () => all.every((one) => one.elector.lastTurnMs > first.elector.lastTurnMs - 1000));
    expect(all.filter((one) => one.elector.isLeader)).toHaveLength(1);
    first.stop.abort();
    await first.running;
    const second = await eventually('another leader', () => all.find((one) => one !== first && one.elector.isLeader));
    expect(history).toHaveLength(3); // one after the other
    expect(second).not.toBe(first);
  });

  test('one that was paused knows at once that its time is over, before it looks at anything', async () => {
    const one = replica('one');
    await eventually('one leads', leads(one));
    one.skew.ms = 60_000; // the process was stopped for a minute: its clock went on
    expect(one.elector.isLeader).toBe(false);
    await eventually('its term ended', () => history.includes('one ends'));
  });

  test('takes a lease over only after it saw it unchanged for its whole duration, whatever the times in it say', async () => {
    const one = replica('one');
    await eventually('one leads', leads(one));
    const two = replica('two');
    two.skew.ms = 3_600_000; // an hour ahead, and the lease is renewed all the time
    const renewals = new Set<string>();
    await eventually('many renewals', async () => {
      const lease = await getObject<{ metadata: { resourceVersion: string } }>(client, LEASES, NAME, soon());
      renewals.add(lease?.metadata.resourceVersion ?? '');
      return renewals.size > 20;
    });
    expect(one.elector.isLeader).toBe(true);
    expect(two.elector.isLeader).toBe(false);
    expect(history.filter((line) => line.startsWith('two'))).toEqual([]);
  });

  test('stops leading in time where it cannot reach the API server, and leads again once it can', async () => {
    const one = replica('one');
    await eventually('one leads', leads(one));
    server.freeze();
    await eventually('one stopped', () => history.includes('one ends'), 15_000); // half the deadline of a call: it did not wait for that
    server.thaw();
    await eventually('one leads again', leads(one));
  }, 60_000);

  test('never two at once while leaders come and go', async () => {
    const all = ['one', 'two', 'three'].map(replica);
    let most = 0;
    for (let round = 0; round < 4; round++) {
      const leader = await eventually('a leader', () => {
        most = Math.max(most, all.filter((one) => one.elector.isLeader).length);
        return all.find((one) => one.elector.isLeader);
      });
      leader.skew.ms += 60_000;
    }
    expect(most).toBe(1);
    const open = new Set<string>();
    for (const line of history) {
      const [who = '', what] = line.split(' ');
      if (what === 'begins') open.add(who);
      else open.delete(who);
    }
    expect(open.size).toBeLessThanOrEqual(1);
  }, 60_000);

  test('ends its term and gives the lease back where leading fails', async () => {
    const log = keptLog();
    const stop = new AbortController();
    let terms = 0;
    const failing = elector({ client, ...NAME, identity: 'failing', log, now: () => performance.now(), timing: TIMING });
    const running = failing.run(() => Promise.reject(new Error(`term ${String((terms += 1))}`)), stop.signal);
    await eventually('a second term', () => terms >= 2);
    stop.abort();
    await running;
    expect(log.lines.some(({ fields }) => fields.reason === 'term 1')).toBe(true);
  });
});
