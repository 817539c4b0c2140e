import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ScenarioInput } from '../../sim/scenario.ts';
import { pace } from '../support/pace.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let child: ChildProcess | undefined;
afterEach(async () => {
  child?.kill('SIGKILL');
  await world.end();
});

const begin = async (scenario: ScenarioInput) => {
  world = await startWorld(scenario);
  const timings = JSON.parse(world.env.AUTOPOD_TIMINGS ?? '{}');
  world.env.AUTOPOD_TIMINGS = JSON.stringify({ ...timings, unmovedMs: 1_500 });
  world.env.AUTOPOD_KEEPER_TIMINGS = JSON.stringify({ autoStopLookMs: 200 });
};
/** As Ctrl-Z does. */
const suspend = async (args: string[], when: () => Promise<unknown> | unknown) => {
  const up = world.start(args);
  child = up.child;
  await until('far enough', when);
  up.child.kill('SIGSTOP');
  return up;
};
const podState = async () => (await world.pods())[0]?.status;
const slowBoot = { latencies: { imagePullMs: 60_000 } };
const up = ['up', '--local-port', 'auto'];
/** Its pod is on record, too. */
const isPulling = async () =>
  (await podState()) === 'STARTING' &&
  readFileSync(join(world.home, 'pods.json'), 'utf8').includes(`"podId": "${(await world.podIds())[0]}"`);

describe('an up that was suspended with Ctrl-Z', () => {
  it('is named by stop, which does not wait for it; woken up, it changes nothing and says so', async () => {
    await begin(slowBoot);
    const { ended } = await suspend(up, isPulling);
    const stop = await world.autopod(['stop']);
    expect([stop.code, stop.stderr]).toEqual([
      0,
      expect.stringMatching(
        `\`autopod up\` \\(process ${child?.pid}, suspended\\) is not responding; continuing`,
      ),
    ]);
    expect(await podState()).toBe('EXITED');
    child?.kill('SIGCONT');
    const woken = await ended;
    expect([woken.code, woken.stderr]).toEqual([
      1,
      expect.stringContaining('while this command was suspended'),
    ]);
    expect([await world.podIds(), await podState()]).toEqual([[expect.any(String)], 'EXITED']);
  });

  it('does not keep a pod from kill', async () => {
    await begin(slowBoot);
    const { ended } = await suspend([...up, '--json'], isPulling);
    expect((await world.autopod(['kill', '--yes'])).code).toBe(0);
    expect(await world.podIds()).toEqual([]);
    child?.kill('SIGCONT');
    const { code, stdout } = await ended;
    expect([code, JSON.parse(stdout).error.code]).toEqual([1, 'podTakenOver']);
    expect(await world.podIds()).toEqual([]);
  });

  it('undoes the create that was under way when its launch was ended meanwhile', async () => {
    await begin({ faults: [{ kind: 'delay', ms: 8_000, route: 'createPod' }] });
    const asked = () => world.simulator.world.faults.pending.length === 0;
    const { ended } = await suspend(up, asked);
    const kill = await world.autopod(['kill', '--yes']);
    expect(kill.stderr).toContain('is not responding');
    await until('created late', async () => (await world.podIds()).length === 1);
    child?.kill('SIGCONT');
    expect(await ended).toMatchObject({ code: 1, stderr: expect.stringContaining('suspended') });
    expect(await world.podIds()).toEqual([]);
  });

  it('does not count as using its pod: the idle stop comes', async () => {
    await begin(slowBoot);
    const { ended } = await suspend([...up, '--idle-stop', '1s'], isPulling);
    await until('stopped', async () => (await podState()) === 'EXITED');
    child?.kill('SIGCONT');
    expect((await ended).code).toBe(1);
    expect(await podState()).toBe('EXITED');
  });

  it('is named to another up, which waits for it, and goes on when it is back', async () => {
    await begin({ latencies: { imagePullMs: 2_000 * pace() } });
    const { ended } = await suspend(up, isPulling);
    const other = world.start(up);
    let said = '';
    other.child.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    await until('named', () => said.includes('bring it back with fg'));
    child?.kill('SIGCONT');
    expect([(await ended).code, (await other.ended).code]).toEqual([0, 0]);
    expect(await world.podIds()).toHaveLength(1);
  });
});
