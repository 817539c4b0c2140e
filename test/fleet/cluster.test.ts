import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { CATCH_UP_MS, leaderOf, startCluster, type TestCluster } from './support/cluster.ts';
import { isWholeAsked } from './support/engine.ts';
import { startFleet, type TestFleet, type TestMember, WISH } from './support/fleet.ts';

describe.skipIf(!isWholeAsked)('a fleet on a cluster that is there', () => {
  let cluster: TestCluster;
  let fleet: TestFleet;
  let ann: TestMember;

  beforeAll(async () => {
    cluster = await startCluster();
    fleet = await startFleet({ latencies: { imagePullMs: 1_500 } }, {}, cluster.args);
    ann = await fleet.member('ann');
  });
  afterAll(async () => {
    await fleet?.end();
    await cluster?.end();
  });

  it('starts no server of its own, and says that the cluster answers', async () => {
    expect(existsSync(fleet.file('restate', 'server.json'))).toBe(false);
    // A cluster that has just begun tells nothing of its calls for a moment.
    const { stdout } = await until('it answers', async () => {
      const run = await fleet.autopod(['serve', 'status', '--json']);
      return run.code === 0 ? run : undefined;
    });
    expect(JSON.parse(stdout)).toMatchObject({ isServed: true, engine: { isAnswering: true, stuck: 0 } });
  });

  /** Has launches on their way and calls under way while `lose` is done; no call fails, and nothing is done twice. */
  const survives = async (name: string, lose: () => Promise<void> | void) => {
    const before = (await fleet.podIds()).length;
    const begun = await Promise.all(
      ['a', 'b', 'c'].map((one) => ann.up({ isNew: true, wish: { ...WISH, name: `${name}-${one}` } })),
    );
    const ids = begun.map(({ launch }) => launch.launchId);
    const statuses: number[] = [];
    let isOver = false;
    const calling = ids.map(async (id) => {
      while (!isOver) statuses.push((await ann.get(`/v1/launches/${id}`)).status);
    });
    await ann.reaches(ids[0] ?? '', 'booting');
    await lose();
    const more = await ann.up({ isNew: true, wish: { ...WISH, name: `${name}-d` } });
    const all = [...ids, more.launch.launchId];
    for (const id of all) await reaches(id, 'ready');
    for (const id of all) expect((await ann.post(`/v1/pods/${id}/stop`)).status).toBe(200);
    for (const id of all) await reaches(id, 'stopped');
    isOver = true;
    await Promise.all(calling);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(statuses.length).toBeGreaterThan(20);
    expect(await fleet.podIds()).toHaveLength(before + 4);
    for (const id of all) {
      const steps = fleet.journal().filter((entry) => entry.id === id && entry.machine === 'pod@1');
      const times = steps.map(({ from, to }) => `${from} → ${to}`);
      expect(times).toEqual([...new Set(times)]);
      expect(times.at(-1)).toBe('stopping → stopped');
    }
    expect((await fleet.autopod(['serve', 'status'])).code).toBe(0);
  };

  /** What a node that hangs was doing is taken up by another once that is noticed. */
  const reaches = (id: string, state: string) =>
    until(
      `${id} is ${state}`,
      async () => (await ann.get(`/v1/launches/${id}`)).body?.state === state,
      90_000,
    );

  const lost = async (node: TestCluster['nodes'][number], how: 'SIGKILL' | 'SIGSTOP') => {
    const gone = once(node.child, 'exit');
    node.child.kill(how);
    if (how === 'SIGKILL') await gone;
  };

  it.each([0, 1, 2])(
    'loses node %i of three and has it back: no call fails, one pod for each launch, and no step twice',
    async (index) => {
      const node = cluster.nodes[index];
      if (!node) throw new Error('there is none');
      await survives(`lost-${index}`, () => lost(node, 'SIGKILL'));
      await node.startAgain();
    },
  );

  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'has another node lead when the one that leads gets %s, and that goes on with what is under way',
    async (how) => {
      const leader = await until('one leads', () => leaderOf(cluster));
      await survives(`led-${how.toLowerCase()}`, async () => {
        await lost(leader, how);
        const next = await until('another leads', () => leaderOf(cluster), 90_000);
        expect(next.name).not.toBe(leader.name);
      });
      if (how === 'SIGKILL') await leader.startAgain();
      else {
        leader.child.kill('SIGCONT');
        await sleep(CATCH_UP_MS);
      }
    },
  );

  // One of them leads, wherever that has come to be.
  it.each([0, 1, 2])('has node %i hang, and come back: likewise', async (index) => {
    const node = cluster.nodes[index];
    if (!node) throw new Error('there is none');
    await survives(`hung-${index}`, () => lost(node, 'SIGSTOP'));
    node.child.kill('SIGCONT');
    await sleep(CATCH_UP_MS);
  });

  it.each([
    [['--restate', 'http://127.0.0.1:1'], '--restate-identity'],
    [['--restate', 'ftp://x', '--restate-identity', 'publickeyv1_x'], 'http://10.0.0.5:8080'],
    [['--restate-identity', 'secret'], 'publickeyv1_'],
    [['--worker', '10.0.0.5:9080'], '--restate'],
  ])('%j is refused', async (args, words) => {
    const { code, stderr } = await fleet.autopod(['serve', ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
  });
});
