import { afterEach, describe, expect, it } from 'vitest';
import type { ScenarioInput } from '../../sim/scenario.ts';
import { until } from '../support/until.ts';
import { isWholeAsked, serverBinary } from './support/engine.ts';
import { startFleet, type TestFleet } from './support/fleet.ts';

/** The first one runs with every other test, the others with `npm run test:fleet`. */
const others = it.skipIf(!isWholeAsked);

describe.skipIf(!serverBinary)('a fleet whose processes are killed', () => {
  let fleet: TestFleet;
  const begin = async (scenario: ScenarioInput) => {
    fleet = await startFleet(scenario);
    return fleet.member('ann');
  };
  afterEach(() => fleet.end());

  it('has one pod when all is killed while RunPod makes it, and its list lags', async () => {
    const ann = await begin({ faults: [{ route: 'createPod', kind: 'stall' }], listLagMs: 900 });
    const { launch } = await ann.up();
    await until('the pod is made', async () => (await fleet.podIds()).length > 0);
    const { serve, restate } = fleet.pids();
    process.kill(serve, 'SIGKILL');
    process.kill(restate, 'SIGKILL');
    await fleet.serveAgain();
    await ann.reaches(launch.launchId, 'ready');
    expect(await fleet.podIds()).toHaveLength(1);
    expect(fleet.journal().map(({ to }) => to)).toContain('creating.lookingAgain');
  });

  others('goes on with a boot after a kill of Restate’s server, which is started again', async () => {
    const ann = await begin({ latencies: { imagePullMs: 2_500 } });
    const { launch } = await ann.up();
    await ann.reaches(launch.launchId, 'booting');
    const { restate } = fleet.pids();
    process.kill(restate, 'SIGKILL');
    await ann.reaches(launch.launchId, 'ready');
    expect(fleet.pids().restate).not.toBe(restate);
    expect(await fleet.podIds()).toHaveLength(1);
  });

  others('ends the Restate’s server that a killed process has left, before it starts its own', async () => {
    const ann = await begin({ latencies: { imagePullMs: 2_500 } });
    const { launch } = await ann.up();
    await ann.reaches(launch.launchId, 'booting');
    const { serve, restate } = fleet.pids();
    process.kill(serve, 'SIGKILL');
    await fleet.serveAgain();
    expect(fleet.pids().restate).not.toBe(restate);
    expect(fleet.processes()).not.toContain(restate);
    await ann.reaches(launch.launchId, 'ready');
    expect(await fleet.podIds()).toHaveLength(1);
  });

  others.each([
    ['reconciling', 'ready'],
    ['creating.volumeValidated', 'ready'],
    ['startingComfyUI', 'ready'],
    ['stopping', 'stopped'],
    ['terminating', 'terminated'],
  ])('goes on where it was when both are killed in %s', async (state, end) => {
    const ann = await begin({ latencies: { comfyStartMs: 1_500, stopMs: 1_500 } });
    const { launch } = await ann.up();
    const verb = { stopped: 'stop', terminated: 'kill' }[end];
    if (verb) {
      await ann.reaches(launch.launchId, 'ready');
      await ann.post(`/v1/pods/${launch.launchId}/${verb}`);
    }
    await until(state, () => fleet.journal().some(({ to }) => to === state));
    const { serve, restate } = fleet.pids();
    process.kill(serve, 'SIGKILL');
    process.kill(restate, 'SIGKILL');
    await fleet.serveAgain();
    await ann.reaches(launch.launchId, end);
    expect(await fleet.podIds()).toHaveLength(end === 'terminated' ? 0 : 1);
  });
});
