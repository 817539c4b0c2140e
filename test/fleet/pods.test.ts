import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { serverBinary } from './support/engine.ts';
import { startFleet, type TestFleet, type TestMember, WISH } from './support/fleet.ts';

/** What the engine writes is compressed otherwise, and nothing would be found in it. */
const PLAIN_FILES = Object.fromEntries(
  ['WORKER__STORAGE', 'BIFROST__LOCAL', 'METADATA_SERVER', 'LOG_SERVER'].map((part) => [
    `RESTATE_${part}__ROCKSDB_DISABLE_WAL_COMPRESSION`,
    'true',
  ]),
);

describe.skipIf(!serverBinary)('the pods of a fleet', () => {
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

  /** The files of the server's user, in and outside of the fleet, in which a word is found. */
  const filesWith = (word: string): string[] => {
    try {
      const found = execFileSync('grep', ['-rlaF', word, fleet.home], { encoding: 'utf8' });
      return found.trim().split('\n');
    } catch {
      return []; // grep ends with 1 where there is nothing
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

  it('know of keys and tokens nowhere: not in state, journal, log, nor in what the engine keeps', async () => {
    expect(filesWith(WISH.image).some((path) => path.includes('restate/data'))).toBe(true);
    expect([filesWith('sim-key'), filesWith(ann.token)]).toEqual([[], []]);
    // Where the key stands in the configuration, it stands nowhere else, however often that is written.
    const set = (key: string, value: string) => fleet.autopod(['config', 'set', key, value]);
    const config = join(fleet.home, 'config.json');
    const { providers, ...more } = JSON.parse(readFileSync(config, 'utf8'));
    const runpod = { ...providers.runpod, api_key: 'sim-key' };
    writeFileSync(config, JSON.stringify({ providers: { ...providers, runpod }, ...more }), { mode: 0o600 });
    await fleet.serveAgain({ ...PLAIN_FILES, RUNPOD_API_KEY: '' });
    expect((await set('max_pods', '3')).code).toBe(0);
    const { launch } = await ann.up();
    await ann.reaches(launch.launchId, 'ready');
    expect(filesWith('sim-key')).toEqual([config]);
    expect((await ann.get('/v1/history')).body.entries.length).toBeGreaterThan(0);
    for (const path of [
      '/v1/pods',
      '/v1/history',
      `/v1/launches/${launch.launchId}`,
      '/v2/pods',
      '/v2/catalog/gpus?cloud=SECURE&count=1',
    ])
      expect(JSON.stringify(await ann.get(path))).not.toContain('sim-key');
  });

  it('have no key in the backup, and the file is closed to others', async () => {
    process.kill(fleet.pids().serve, 'SIGTERM');
    await until('it is not served', async () => (await fleet.autopod(['serve', 'status'])).code === 1);
    const file = join(fleet.home, 'backup.tar');
    expect((await fleet.autopod(['serve', 'backup', file])).code).toBe(0);
    const folder = mkdtempSync(join(tmpdir(), 'ap-backup-'));
    execFileSync('tar', ['-xzf', file, '-C', folder]);
    const found = (word: string) =>
      execFileSync('sh', ['-c', `grep -rlaF "${word}" ${folder} || true`], { encoding: 'utf8' });
    expect(found(WISH.image)).toContain('restate');
    expect([found('sim-key'), found(ann.token)]).toEqual(['', '']);
    expect(statSync(file).mode & 0o077).toBe(0);
    rmSync(folder, { recursive: true });
  });
});
