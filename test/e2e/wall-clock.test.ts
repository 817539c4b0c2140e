import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ScenarioInput } from '../../sim/scenario.ts';
import { localeOf, timeOf } from '../../src/cli/text/time.ts';
import type { TunnelView } from '../../src/keeper/client.ts';
import { paced } from '../support/pace.ts';
import { sample } from '../support/sample.ts';
import { until } from '../support/until.ts';
import { WallClock } from '../support/wall-clock.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

const HOUR = 3_600_000;
const UP = ['up', '--local-port', 'auto'];

let world: TestWorld;
let clock: WallClock;
afterEach(() => world.end());

async function begin(scenario: ScenarioInput = {}, offMs = 0, timings: object = {}): Promise<void> {
  world = await startWorld(scenario);
  clock = new WallClock(world.home, offMs);
  Object.assign(world.env, clock.env, {
    AUTOPOD_KEEPER_TIMINGS: JSON.stringify({ autoStopLookMs: 200, lookMs: 200, ...timings }),
  });
}
async function comfy(): Promise<void> {
  const run = await world.autopod(UP);
  expect(run.code, run.stderr).toBe(0);
}
const podState = async () => (await world.pods())[0]?.status;
const isStopped = () => until('stopped', async () => (await podState()) === 'EXITED');
const stopAt = (): number => {
  const { records } = JSON.parse(readFileSync(join(world.home, 'pods.json'), 'utf8'));
  const [record] = Object.values(records) as { facts: { autoStop?: { stopAt: string } } }[];
  return Date.parse(record?.facts.autoStop?.stopAt ?? '');
};
async function tunnel(): Promise<TunnelView | undefined> {
  return JSON.parse((await world.autopod(['tunnel', 'list', '--json'])).stdout).tunnels[0];
}

describe('a wall clock that is set while autopod works', () => {
  it.each(
    sample(1, [
      ['back', -HOUR],
      ['forward', HOUR],
    ]),
  )(
    'an hour %s leaves a healthy tunnel alone, and one to a pod that restarts comes back',
    async (_, offMs) => {
      await begin();
      await comfy();
      clock.set(offMs);
      const before = await tunnel();
      await until('beats went by', async () => (await tunnel())?.standbyPid);
      expect(await tunnel()).toMatchObject({ state: 'healthy', sshPid: before?.sshPid });
      expect((await tunnel())?.lastDeath).toBeUndefined();
      const [podId] = await world.podIds();
      await fetch(`${world.simulator.url}/pods/${podId}/action`, {
        method: 'POST',
        headers: { authorization: 'Bearer sim-key', 'content-type': 'application/json' },
        body: '{"action":"restart"}',
      });
      await until('healthy again', async () => {
        const view = await tunnel();
        return view?.state === 'healthy' && view.address?.bootId !== before?.address?.bootId;
      });
    },
  );

  it.each(
    sample(1, [
      ['--stop-after', /time was up/],
      ['--idle-stop', /nothing was asked/],
    ]),
  )('back by an hour does not put off %s', async (option, why) => {
    await begin();
    await comfy();
    expect((await world.autopod(['tunnel', option, '5s'])).code).toBe(0);
    clock.set(-HOUR);
    await isStopped();
    expect((await world.autopod(['history'])).stdout).toMatch(why);
  });

  it.each(
    sample(1, [
      ['forward', HOUR],
      ['back', -HOUR],
    ]),
  )(
    '%s by an hour changes neither when a pod is stopped, nor that ls tells it by the clock there is',
    async (_, offMs) => {
      await begin();
      await comfy();
      expect((await world.autopod(['tunnel', '--stop-after', '30m'])).code).toBe(0);
      const dueIn = stopAt() - Date.now();
      clock.set(offMs);
      await until(
        'told by the other clock',
        () => Math.abs(stopAt() - clock.now(offMs).getTime() - dueIn) < 5_000,
      );
      expect(await podState()).toBe('RUNNING');
      const time = timeOf(new Date(stopAt()), 'minute', localeOf(world.env));
      for (const shows of [['ls'], ['tunnel', '--status'], ['info']]) {
        const { stdout, stderr } = await world.autopod(shows);
        expect(stdout + stderr).toContain(time);
      }
    },
  );

  it('forward by an hour does not end --timeout during a boot', async () => {
    await begin({ latencies: { imagePullMs: 3_000 } });
    const { ended } = world.start([...UP, '--timeout', '5m']);
    await until('pulling', async () => (await podState()) === 'STARTING');
    clock.set(HOUR);
    const run = await ended;
    expect(run.code, run.stderr).toBe(0);
  });

  it('back by an hour does not lengthen --timeout during a boot', async () => {
    await begin({ latencies: { imagePullMs: 600_000 } });
    const { ended } = world.start([...UP, '--timeout', paced(4)]);
    await until('pulling', async () => (await podState()) === 'STARTING');
    clock.set(-HOUR);
    expect(await ended).toMatchObject({ code: 1, stderr: expect.stringContaining('has not booted in time') });
  });

  it('forward by an hour does not make a pod gone that RunPod is late to list', async () => {
    await begin({ listLagMs: 3_000, latencies: { imagePullMs: 1_000 } });
    const { ended } = world.start(UP);
    await until('created', async () => (await world.podIds()).length === 1);
    clock.set(HOUR);
    const run = await ended;
    expect(run.code, run.stderr).toBe(0);
    expect(await world.podIds()).toHaveLength(1);
  });
});

describe("a wall clock that stands minutes off RunPod's", () => {
  it.each([
    ['ahead', 180_000],
    ['behind', -180_000],
  ])('%s: a pod whose keys are still being written is waited for', async (_, offMs) => {
    await begin({ latencies: { authorizedKeysMs: 2_500 } }, offMs);
    await comfy();
    const { stdout } = await world.autopod(['history', '--all']);
    expect(stdout).not.toContain('ssh key');
  });

  it('behind: a key that the pod does not take is told as such when its time is over', async () => {
    await begin({}, -180_000, { keyGraceMs: 1_000 });
    await comfy();
    await world.autopod(['tunnel', '--stop']);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(world.home, 'id_other')]);
    const config = await world.autopod(['config', 'set', 'ssh_key_path', join(world.home, 'id_other')]);
    expect(config.code, config.stderr).toBe(0);
    const { code, stderr } = await world.autopod(['tunnel', '--local-port', 'auto']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('does not accept the ssh key')]);
  });
});
