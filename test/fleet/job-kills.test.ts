import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { ScenarioInput } from '../../sim/scenario.ts';
import { jobState } from '../../src/store/job-record.ts';
import { until } from '../support/until.ts';
import { isWholeAsked, serverBinary } from './support/engine.ts';
import type { TestFleet } from './support/fleet.ts';
import {
  allEnded,
  making,
  outOf,
  poolOf,
  recordsOf,
  startJobsFleet,
  timesMade,
} from './support/jobs-fleet.ts';
import { type Laptop, laptopOf } from './support/laptop.ts';

/** When all is killed; the first one runs with every other test, the others with `npm run test:fleet`. */
const MOMENTS = [
  ['running', ['running'], { seconds: 0.6 }],
  ['uploading', ['preparing', 'uploading', 'submitting'], {}],
  ['bringing files', ['downloading'], { bytes: 3_000_000, count: 3 }],
] as const;
const others = it.skipIf(!isWholeAsked);

describe.skipIf(!serverBinary)('jobs of a fleet whose processes are killed', () => {
  let fleet: TestFleet;
  let ann: Laptop;

  const begin = async (scenario: ScenarioInput = {}, max = 1) => {
    fleet = await startJobsFleet(scenario);
    ann = await laptopOf(fleet, 'ann');
    await poolOf(ann, 'art', '--max', String(max), '--idle', '30s');
  };
  afterEach(() => fleet.end());

  /** Jobs that make a file each, followed to the end at the laptop. */
  const running = (prefix: string, count: number, options = {}) =>
    ann.start(
      'run',
      making(ann.home, prefix, options),
      ...['--sweep', `9.seed=1..${count}`, '--out', outOf(ann), '--timeout', '180s'],
    );

  const someIs = (...states: string[]) =>
    until(`a job is ${states.join(' or ')}`, async () =>
      (await recordsOf(fleet)).some((record) => states.includes(jobState(record))),
    );

  const kill = (...which: ('serve' | 'restate')[]) => {
    const pids = fleet.pids();
    for (const name of which) process.kill(pids[name], 'SIGKILL');
  };

  const filesHere = () => readdirSync(outOf(ann)).filter((name) => name.endsWith('.png'));

  it.each(isWholeAsked ? MOMENTS : MOMENTS.slice(0, 1))(
    'are run once, and their files made once, when all is killed while one is %s',
    async (_, states, options) => {
      await begin();
      const { ended } = running('once', 4, options);
      await someIs(...states);
      kill('serve', 'restate');
      await fleet.serveAgain();
      const { code, stderr } = await ended;
      expect([code, stderr]).toEqual([0, expect.stringContaining('4 jobs done')]);
      const files = 'count' in options ? options.count : 1;
      expect(timesMade(fleet, 'once')).toBe(4 * files);
      expect(filesHere()).toHaveLength(4 * files);
      expect((await recordsOf(fleet)).map(jobState)).toEqual(['done', 'done', 'done', 'done']);
    },
  );

  others('are run once though the server is killed again and again', async () => {
    await begin({}, 2);
    const { ended } = running('often', 12, { seconds: 0.3 });
    for (let times = 0; times < 3; times++) {
      await someIs('queued', 'running', 'submitting');
      await sleep(200 * times);
      kill(...(times === 1 ? (['restate'] as const) : (['serve'] as const)));
      if (times !== 1) await fleet.serveAgain();
    }
    expect((await ended).code).toBe(0);
    expect(timesMade(fleet, 'often')).toBe(12);
    expect(filesHere()).toHaveLength(12);
  });

  others(
    'are run once when the answer to a prompt is lost, or it never arrives, and all is killed meanwhile',
    async () => {
      await begin();
      await ann.autopod('pool', 'change', 'art', '--min', '1');
      const pod = await until('a pod', () => [...fleet.simulator.world.pods.values()][0]);
      pod.comfyui.faults.droppedPrompts = 3;
      pod.comfyui.faults.lostAnswers = 2;
      const { ended } = running('lost', 3, { seconds: 0.2 });
      await someIs('submitting');
      kill('serve', 'restate');
      await fleet.serveAgain();
      const { code, stderr } = await ended;
      expect([code, stderr]).toEqual([0, expect.stringContaining('3 jobs done')]);
      expect(timesMade(fleet, 'lost')).toBe(3);
      expect(filesHere()).toHaveLength(3);
    },
  );

  /** A job that runs, on a pod that is none of these. */
  const runsElsewhere = (than: string[]) =>
    until('a job runs', async () => {
      const now = (await recordsOf(fleet)).find(
        (one) => jobState(one) === 'running' && !than.includes(one.facts.podId ?? ''),
      );
      return now && { jobId: now.facts.jobId, podId: now.facts.podId ?? '' };
    });

  others.each([
    ['', false],
    [', and all else with it', true],
  ])(
    'go to another pod each time theirs is gone while one runs%s, and are done once',
    async (_, isAllKilled) => {
      await begin({}, 1);
      // Long enough that whoever finds one at work ends its pod before it is done.
      const { ended } = running('back', 3, { seconds: 4 });
      const gone: string[] = [];
      for (let times = 0; times < 2; times++) {
        const { jobId, podId } = await runsElsewhere(gone);
        await fetch(`${fleet.simulator.url}/pods/${podId}`, {
          method: 'DELETE',
          headers: { authorization: `Bearer ${fleet.env.RUNPOD_API_KEY}` },
        });
        gone.push(podId);
        if (isAllKilled) kill('serve', 'restate');
        if (isAllKilled) await fleet.serveAgain();
        const { facts } = await until('it is given back', async () =>
          (await recordsOf(fleet)).find(({ facts: one }) => one.jobId === jobId && one.podId !== podId),
        );
        expect(facts.outputs).toBeNull();
      }
      const { code, stderr } = await ended;
      expect([code, stderr]).toEqual([0, expect.stringContaining('3 jobs done')]);
      expect(filesHere()).toHaveLength(3);
      const records = await allEnded(fleet, 3);
      expect(records.map(jobState)).toEqual(['done', 'done', 'done']);
      for (const { facts } of records) expect(gone).not.toContain(facts.ranOn?.podId);
      expect(timesMade(fleet, 'back')).toBe(3);
      expect(fleet.simulator.world.createCount).toBe(3);
    },
  );

  others(
    'have one pool with no more pods than it may, and none in the end, though the server is killed while it grows',
    async () => {
      await begin({ faults: [{ route: 'createPod', kind: 'stall' }], listLagMs: 900 }, 2);
      const { ended } = running('grow', 4);
      await until('a pod is made', async () => (await fleet.podIds()).length > 0);
      kill('serve', 'restate');
      await fleet.serveAgain();
      expect((await ended).code).toBe(0);
      expect((await fleet.podIds()).length).toBeLessThanOrEqual(2);
      expect(fleet.simulator.world.createCount).toBeLessThanOrEqual(2);
      await ann.autopod('pool', 'change', 'art', '--idle', '1s');
      await until('no pods', async () => (await fleet.podIds()).length === 0);
    },
  );
});
