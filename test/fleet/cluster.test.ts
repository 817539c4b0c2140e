import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { startCluster, type TestCluster } from './support/cluster.ts';
import { isWholeAsked } from './support/engine.ts';
import { startFleet, type TestFleet, type TestMember, WISH } from './support/fleet.ts';

describe.skipIf(!isWholeAsked)('a fleet on a cluster that is there', { timeout: 120_000 }, () => {
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

  it('loses a node, and no call fails: pods that were on their way get there, one for each launch', async () => {
    const begun = await Promise.all(
      ['one', 'two', 'three'].map((name) => ann.up({ isNew: true, wish: { ...WISH, name } })),
    );
    const ids = begun.map(({ launch }) => launch.launchId);
    const statuses: number[] = [];
    let isOver = false;
    const calling = ids.map(async (id) => {
      while (!isOver) statuses.push((await ann.get(`/v1/launches/${id}`)).status);
    });
    await ann.reaches(ids[0] ?? '', 'booting');
    cluster.nodes[0]?.child.kill('SIGKILL');
    const more = await ann.up({ isNew: true, wish: { ...WISH, name: 'four' } });
    for (const id of [...ids, more.launch.launchId]) await ann.reaches(id, 'ready');
    for (const id of ids) expect((await ann.post(`/v1/pods/${id}/stop`)).status).toBe(200);
    for (const id of ids) await ann.reaches(id, 'stopped');
    isOver = true;
    await Promise.all(calling);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(statuses.length).toBeGreaterThan(20);
    expect(await fleet.podIds()).toHaveLength(4);
    expect((await fleet.autopod(['serve', 'status'])).code).toBe(0);
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
