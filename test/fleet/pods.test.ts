import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serverBinary } from './support/engine.ts';
import { startFleet, type TestFleet, type TestMember, WISH } from './support/fleet.ts';

/** What the engine writes is compressed otherwise, and nothing would be found in it. */
const PLAIN_FILES = Object.fromEntries(
  ['WORKER__STORAGE', 'BIFROST__LOCAL', 'METADATA_SERVER', 'LOG_SERVER'].map((part) => [
    `RESTATE_${part}__ROCKSDB_DISABLE_WAL_COMPRESSION`,
    'true',
  ]),
);

describe.skipIf(!serverBinary)('the pods of a fleet', { timeout: 60_000 }, () => {
  let fleet: TestFleet;
  let ann: TestMember;
  let bob: TestMember;

  beforeAll(async () => {
    fleet = await startFleet({ latencies: { imagePullMs: 1_000 } }, PLAIN_FILES);
    ann = await fleet.member('ann');
    bob = await fleet.member('bob');
    await fleet.member('eve', 'viewer');
  });

  afterAll(() => fleet.end());

  /** What is found of a word in all that the server keeps. */
  const filesWith = (word: string) => {
    try {
      return execFileSync('grep', ['-rlaF', word, fleet.file()], { encoding: 'utf8' }).trim();
    } catch {
      return ''; // grep ends with 1 where there is nothing
    }
  };

  it('are one for one launch, however often and from wherever it is asked for', async () => {
    const launchId = randomUUID();
    const answers = await Promise.all([1, 2, 3, 4].map(() => ann.up({ launchId })));
    expect(new Set(answers.map(({ launch }) => launch.launchId)).size).toBe(1);
    expect(await ann.up()).toMatchObject({ how: 'continued', launch: { launchId } });
    await ann.reaches(launchId, 'ready');
    expect(await fleet.podIds()).toHaveLength(1);
  });

  it('let in everybody who may use them, and nobody who only looks', async () => {
    const [pod] = await fleet.pods();
    const comments = (pod?.env?.PUBLIC_KEY ?? '').split('\n').map((line) => line.split(' ')[2]);
    expect(comments).toEqual(expect.arrayContaining(['ann', 'bob']));
    expect(comments).not.toContain('eve');
  });

  it('live as local ones do: stop, start, kill, each told with who asked', async () => {
    const { body } = await bob.get('/v1/pods');
    const { launchId, podId } = body.pods[0];
    expect(body.pods).toMatchObject([{ name: 'studio', owner: 'ann', state: 'ready', status: 'RUNNING' }]);
    await bob.post(`/v1/pods/${podId}/stop`);
    await bob.reaches(launchId, 'stopped');
    await bob.post('/v1/pods/studio/start');
    await bob.reaches(launchId, 'ready');
    expect((await bob.post(`/v1/pods/${podId}/kill`)).status).toBe(403);
    await ann.post(`/v1/pods/${podId}/kill`);
    await ann.reaches(launchId, 'terminated');

    expect(await fleet.podIds()).toEqual([]);
    expect((await ann.get('/v1/pods')).body.pods).toEqual([]);
    const asked = fleet
      .journal()
      .filter(
        ({ machine, event }) => machine === 'pod@1' && /^(stop|terminate)\.requested|begun/.test(event),
      );
    expect(asked.map(({ event, who }) => `${who} ${event}`)).toEqual([
      'ann begun',
      'bob stop.requested',
      'ann terminate.requested',
    ]);
  });

  it('know of keys and tokens nowhere: not in state, journal, log, nor in what the engine keeps', () => {
    expect(filesWith(WISH.image)).toContain('restate/data');
    expect([filesWith('sim-key'), filesWith(ann.token)]).toEqual(['', '']);
  });
});
