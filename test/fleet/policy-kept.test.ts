import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { isWholeAsked } from './support/engine.ts';
import { startFleet, type TestFleet, type TestMember, WISH } from './support/fleet.ts';
import { laptopOf } from './support/laptop.ts';

const timings = {
  listSettleMs: 1_500,
  lookAgainMs: 100,
  podPollMs: 100,
  comfyPollMs: 100,
  apiPatienceMs: 8_000,
  apiRetryMs: 200,
  followPollMs: 50,
  policyLookMs: 200,
};
const QUICK = {
  AUTOPOD_TIMINGS: JSON.stringify(timings),
  AUTOPOD_KEEPER_TIMINGS: JSON.stringify({ autoStopLookMs: 200, guardLookMs: 500 }),
};

describe.skipIf(!isWholeAsked)('a fleet keeps its policy', () => {
  let fleet: TestFleet;
  let ann: TestMember;
  let bob: TestMember;

  beforeAll(async () => {
    fleet = await startFleet({}, QUICK);
    ann = await fleet.member('ann');
    bob = await fleet.member('bob');
    await fleet.member('carol', 'admin');
  });
  afterAll(() => fleet.end());

  const limits = async (...args: string[]) => {
    const run = await fleet.autopod(['serve', 'limits', ...args]);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    return run.stdout;
  };
  const status = async (podId: string) => (await fleet.pods()).find(({ id }) => id === podId)?.status;
  const jobs = (podId: string, running: number) =>
    fetch(`${fleet.simulator.controlUrl}/pods/${podId}/comfy`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ queue: { running, pending: 0 } }),
    });
  const made = async (member: TestMember, changes: object = {}) => {
    const { launch } = await member.up({ isNew: true, ...changes });
    const { podId } = await member.reaches(launch.launchId, 'ready');
    return { launchId: launch.launchId, podId: podId ?? '' };
  };
  const named = (name: string) => ({ wish: { ...WISH, name } });
  const stoppedBy = (launchId: string) =>
    fleet.journal().findLast(({ id, event }) => id === launchId && event === 'stop.requested')?.who;

  afterEach(async () => {
    const { body } = await ann.get('/v1/pods');
    const carol = await fleet.member('carol', 'admin');
    for (const { launchId } of body.pods) {
      await carol.post(`/v1/pods/${launchId}/kill`);
      await carol.reaches(launchId, 'terminated');
    }
    await limits(
      '--idle-stop',
      'never',
      '--quiet-hours',
      'never',
      '--max-pods',
      'none',
      '--max-per-hour',
      'none',
    );
  });

  it('a person may have so much and no more; told with the sum and whom to ask, and nothing is begun', async () => {
    const { podId, launchId } = await made(ann);
    const rate = (await ann.get(`/v1/pods/${podId}`)).body.costPerHour;
    expect(await limits('ann', '--max-per-hour', String(rate * 1.5))).toMatch(/ann +any +\$/);
    const laptop = await laptopOf(fleet, 'ann');
    const { code, stderr } = await laptop.autopod('up', '--new', '--name', 'second', '--no-tunnel');
    expect(code).toBe(1);
    const said = stderr.replaceAll(/\s+/g, ' ');
    expect(said).toContain(`For ann: $${rate.toFixed(2)} for what runs (${podId})`);
    expect(said).toContain('max_per_hour');
    expect(said).toContain('ask carol');
    expect(await fleet.podIds()).toEqual([podId]);
    await made(bob, named('bobs'));
    // A pod that was stopped comes back only within the limit as well.
    await limits('ann', '--max-per-hour', String(rate / 2));
    await ann.post(`/v1/pods/${podId}/stop`);
    await ann.reaches(launchId, 'stopped');
    await ann.post(`/v1/pods/${podId}/start`);
    expect((await ann.reaches(launchId, 'failed')).failure).toMatchObject({
      code: 'limitReached',
      detail: { whose: 'ann', limit: 'max_per_hour', ask: ['carol'] },
    });
    await limits('ann', '--max-per-hour', 'none');
  });

  it('a team shares what it has; who changed that stands in the journal', async () => {
    await limits('--team', 'red', '--members', 'ann,bob', '--max-pods', '1');
    await made(ann);
    const { status: refused, body } = await bob.post('/v1/up', {
      launchId: crypto.randomUUID(),
      isNew: true,
      ...named('bobs'),
      timeoutMs: 60_000,
    });
    expect([refused, body.error.code, body.error.detail.whose]).toEqual([409, 'limitReached', 'team red']);
    expect(await limits('--team', 'red', '--members', '')).not.toContain('red');
    await made(bob, named('bobs'));
    const changes = fleet.journal().filter(({ machine }) => machine === 'policy@1');
    expect(changes.find(({ id }) => id === 'team red')).toMatchObject({
      who: 'server',
      event: 'limited',
      to: 'members ann+bob, max_pods 1',
    });
  });

  it('a pod that nobody uses is stopped, and not one with a job; through a restart of the server', async () => {
    const { podId, launchId } = await made(ann);
    const busy = await made(bob, named('busy'));
    await jobs(busy.podId, 1);
    await limits('--idle-stop', '6s');
    const { serve, restate } = fleet.pids();
    process.kill(serve, 'SIGKILL');
    process.kill(restate, 'SIGKILL');
    await fleet.serveAgain(QUICK);
    await until('stopped', async () => (await status(podId)) === 'EXITED');
    await ann.reaches(launchId, 'stopped');
    expect(stoppedBy(launchId)).toBe('idle_stop');
    expect(await status(busy.podId)).toBe('RUNNING');
    await jobs(busy.podId, 0);
    await until('stopped', async () => (await status(busy.podId)) === 'EXITED');
  });

  it('a member may ask for less than holds for all', async () => {
    await limits('--idle-stop', '1h');
    const { podId, launchId } = await made(ann, { idleStopMs: 4_000 });
    await until('stopped', async () => (await status(podId)) === 'EXITED');
    await ann.reaches(launchId, 'stopped');
    expect(stoppedBy(launchId)).toBe('idle_stop');
  });

  it('in quiet hours what runs is stopped once it has no job, and nothing is started', async () => {
    const { podId, launchId } = await made(ann);
    await jobs(podId, 1);
    const clock = (inMinutes: number) =>
      new Date(Date.now() + inMinutes * 60_000).toISOString().slice(11, 16);
    expect(await limits('--quiet-hours', `${clock(-1)}-${clock(120)}`, '--time-zone', 'UTC')).toContain(
      'Quiet hours',
    );
    await until('it is planned', async () => (await ann.get(`/v1/pods/${podId}`)).body.autoStop !== null);
    expect(await status(podId)).toBe('RUNNING');
    const { body } = await bob.post('/v1/up', {
      launchId: crypto.randomUUID(),
      isNew: true,
      ...named('bobs'),
      timeoutMs: 60_000,
    });
    expect(body.error).toMatchObject({ code: 'limitReached', detail: { limit: 'quiet_hours' } });
    await jobs(podId, 0);
    await until('stopped', async () => (await status(podId)) === 'EXITED');
    await ann.reaches(launchId, 'stopped');
    // The guard in the pod has the same time, and may be the first.
    expect(['quiet_hours', 'the pod itself']).toContain(stoppedBy(launchId));
  });

  it('the guard in the pod is armed with the plan, and stops it when all of the server is gone', async () => {
    const { podId, launchId } = await made(ann);
    const { body } = await ann.post(`/v1/pods/${podId}/plan`, { stopAfterMs: 3_600_000 });
    expect(Date.parse(body.stopAt)).toBeGreaterThan(Date.now() + 3_500_000);
    const guard = async () => (await ann.get(`/v1/pods/${podId}`)).body.autoStop?.guard?.state;
    await until('armed', async () => (await guard()) === 'armed');
    await ann.post(`/v1/pods/${podId}/plan`, { stopAfterMs: 8_000 });
    const inPod = () => fleet.simulator.world.pods.get(podId)?.guard.deadlineMs ?? Number.POSITIVE_INFINITY;
    await until('the pod has heard', () => inPod() < Date.now() + 10_000);
    await fleet.killAll();
    await until('stopped', async () => (await status(podId)) === 'EXITED', 60_000);
    await fleet.serveAgain(QUICK);
    await ann.reaches(launchId, 'stopped');
  });

  it.each([
    [['--max-per-hour', '-1'], 'USD'],
    [['--quiet-hours', '25:00-07:00'], '22:00-07:00'],
    [['--quiet-hours', '22:00-07:00', '--time-zone', 'Mars'], 'Mars'],
    [['nobody', '--max-pods', '1'], 'nobody'],
    [['ann', '--idle-stop', '1h'], 'all pods of the fleet'],
    [['--team', 'blue', '--max-pods', '1'], '--members'],
    [['--members', 'ann', '--max-pods', '1'], '--team'],
    [['ann'], '--max-per-hour'],
  ])('limits %j are refused, and change nothing', async (args, words) => {
    const before = await limits('--json');
    const { code, stderr } = await fleet.autopod(['serve', 'limits', ...args]);
    expect([code, stderr.replaceAll(/\s+/g, ' ')]).toEqual([2, expect.stringContaining(words)]);
    expect(await limits('--json')).toBe(before);
  });
});
