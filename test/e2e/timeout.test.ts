import { describe, expect, it } from 'vitest';
import type { FaultInput } from '../../sim/faults.ts';
import type { ScenarioInput } from '../../sim/scenario.ts';
import { pace, paced } from '../support/pace.ts';
import { sample } from '../support/sample.ts';
import { says } from '../support/says.ts';
import { HAS_SCRIPT, onTerminal } from '../support/terminal.ts';
import { until } from '../support/until.ts';
import { inWorld, type Run, type TestWorld } from '../support/world.ts';

const CREATE = ['connect', '--no-tunnel'];
/** A day. */
const DAY_SECONDS = 86_400;
/** Far from the minutes for which RunPod is waited for by itself. */
const soonSeconds = () => 30 * pace();

const withPod = (body: (world: TestWorld, podId: string) => Promise<void>, scenario: ScenarioInput = {}) =>
  inWorld(async (world) => {
    const run = await world.autopod(CREATE);
    expect(run.code, run.stderr).toBe(0);
    await body(world, (await world.podIds())[0] ?? '');
  }, scenario);
const strike = (world: TestWorld, fault: FaultInput) => world.simulator.world.faults.add([faultOf(fault)]);
const faultOf = (fault: FaultInput) => ({ times: 10_000, skip: 0, ...fault }) as never;
const heal = (world: TestWorld) => world.simulator.world.faults.clear();
const patient = (world: TestWorld, apiPatienceMs: number, more: object = {}) => ({
  AUTOPOD_TIMINGS: JSON.stringify({
    ...JSON.parse(world.env.AUTOPOD_TIMINGS ?? '{}'),
    apiPatienceMs,
    ...more,
  }),
});
async function timed(command: Promise<Run>): Promise<Run & { seconds: number }> {
  const begunAt = performance.now();
  return { ...(await command), seconds: (performance.now() - begunAt) / 1000 };
}
const times = (words: RegExp, text: string) => text.match(new RegExp(words, 'g'))?.length ?? 0;
const questions = (world: TestWorld) => world.simulator.world.requests.entries.length;

describe.concurrent('--timeout', () => {
  it.each(
    sample(6, [
      [['ls']],
      [['connect', '--no-tunnel']],
      [['start', 'POD']],
      [['kill', '-y', 'POD']],
      [['tunnel', 'POD', '--local-port', 'auto']],
      [['ssh', 'POD']],
      [['info', 'POD']],
      [['logs', 'POD']],
      [['gpus']],
      [['volumes']],
      [['restart', 'POD']],
      [['stop', 'POD']],
      [['comfy', 'status', 'POD']],
      [['comfy', 'info', 'POD']],
    ]),
  )('ends autopod %j while RunPod takes the requests and never answers', (words) =>
    withPod(async (world, podId) => {
      strike(world, { kind: 'stallBefore', route: '*' });
      const argv = [...words.map((word) => (word === 'POD' ? podId : word)), '--timeout', '1s'];
      const { code, stdout, stderr, seconds } = await timed(world.autopod(argv));
      expect([code, stderr + stdout]).toEqual([
        1,
        expect.stringMatching(/allowed by --timeout is up|has not|is opening/),
      ]);
      expect(seconds).toBeLessThan(soonSeconds());
      expect(await world.podIds()).toEqual([podId]);
    }),
  );

  it('bounds the patience with RunPod before there is a pod, which is told once as it begins', () =>
    inWorld(async (world) => {
      strike(world, { kind: 'status', status: 503, route: 'listGpuTypes' });
      const { code, stderr, seconds } = await timed(
        world.autopod([...CREATE, '--timeout', paced(5)], patient(world, 600_000)),
      );
      expect([code, stderr]).toEqual([1, expect.stringContaining('RunPod has trouble (HTTP 503)')]);
      expect(times(/Trying again for up to \d+s/, stderr)).toBe(1);
      expect(seconds).toBeLessThan(soonSeconds());
    }));

  it('lengthens that patience, too', () =>
    inWorld(async (world) => {
      strike(world, { kind: 'status', status: 503, route: 'listGpuTypes' });
      const { ended } = world.start([...CREATE, '--timeout', '1m'], patient(world, 500));
      await until(
        'asked again and again',
        () => world.simulator.world.requests.counts().listGpuTypes ?? 0 > 12,
      );
      heal(world);
      expect((await ended).code).toBe(0);
    }));

  it('without it patience has its usual end, and the wait is told with it', () =>
    inWorld(async (world) => {
      strike(world, { kind: 'status', status: 503, route: 'listGpuTypes' });
      const run = await world.autopod(CREATE, patient(world, 2_000));
      expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('Trying again for up to 2s')]);
    }));

  it.each(['stop', 'kill'])('ends a %s that RunPod refuses to hear of', (verb) =>
    withPod(async (world, podId) => {
      for (const route of ['podAction', 'deletePod']) strike(world, { kind: 'status', status: 502, route });
      const argv = verb === 'kill' ? ['kill', '-y', podId] : ['stop', podId];
      const { code, stderr } = await world.autopod([...argv, '--timeout', paced(9)], patient(world, 600_000));
      expect([code, stderr]).toEqual([1, expect.stringContaining('RunPod has trouble (HTTP 502)')]);
      expect(times(/Trying again for up to/, stderr)).toBe(1);
      expect(await world.podIds()).toEqual([podId]);
    }),
  );

  it('ends a stop that RunPod accepts and takes its time for', () =>
    withPod(
      async (world, podId) => {
        const { code, seconds } = await timed(world.autopod(['stop', podId, '--timeout', '3s']));
        expect(code).toBe(1);
        expect(seconds).toBeLessThan(soonSeconds());
      },
      { latencies: { stopMs: 600_000 } },
    ));

  it('over while a lost create is looked for, the next up looks further and buys no second pod', () => {
    const late = pace();
    return inWorld(
      async (world) => {
        const env = patient(world, 8_000, { listSettleMs: 25_000 * late });
        const run = await world.autopod([...CREATE, '--timeout', `${Math.ceil(9 * late)}s`], env);
        expect(run).toMatchObject({
          code: 1,
          stderr: expect.stringMatching(/may still be listing it.*up to \d/),
        });
        expect(run.stderr).toMatch(/allowed by --timeout is up[\s\S]*autopod up/);
        expect((await world.autopod(['up', '--no-tunnel'], env)).code).toBe(0);
        expect(await world.podIds()).toHaveLength(1);
      },
      { listLagMs: 10_000 * late, faults: [{ kind: 'dropAfter', route: 'createPod' }] },
    );
  });

  it('over before the create, nothing is bought', () =>
    inWorld(async (world) => {
      strike(world, { kind: 'delay', ms: 1_500, route: 'listGpuTypes' });
      const run = await world.autopod([...CREATE, '--timeout', '1s']);
      expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('allowed by --timeout is up') });
      expect(await world.podIds()).toEqual([]);
    }));

  it.runIf(HAS_SCRIPT)('does not count what the user takes to answer', () =>
    withPod(async (world, podId) => {
      const terminal = onTerminal(world, ['kill', podId, '--timeout', paced(5)]);
      await until('asked', () => terminal.screen().includes('for good?'));
      // Longer than the deadline and its grace.
      await new Promise((resolve) => setTimeout(resolve, 8_000 * pace()));
      terminal.type('y\r');
      expect(await terminal.ended).toMatchObject({
        code: 0,
        screen: expect.stringContaining(`Ended pod ${podId}`),
      });
    }),
  );

  it.each([
    [['ls', '--timeout', '99999999h'], /at most 365d/],
    [['tunnel', '--stop-after', `${'9'.repeat(300)}h`], /at most 365d/],
    [['tunnel', '--idle-stop', `${'9'.repeat(400)}h`], /at most 365d/],
    [['stop', '--timeout', '-5s'], /duration such as/],
    [['kill', '--timeout', '0s'], /duration such as/],
    [['up', '--timeout', 'Infinity'], /duration such as/],
  ])('%j: a duration that cannot be meant is refused', (argv, words) =>
    inWorld(async (world) => {
      expect(await world.autopod(argv)).toMatchObject({ code: 2, stderr: expect.stringMatching(words) });
    }),
  );

  it('may be longer than a timer can be', () =>
    inWorld(async (world) => {
      expect(await world.autopod(['ls', '--timeout', '8760h'])).toMatchObject({
        code: 0,
        stderr: expect.not.stringContaining('Warning'),
      });
    }));
});

describe.concurrent('a RunPod that says how long to wait', () => {
  it.each([
    ['a day', String(DAY_SECONDS), '24h 00m'],
    ['thirty days', String(30 * DAY_SECONDS), '720h 00m'],
    ['until tomorrow', new Date(Date.now() + 20 * 3_600_000).toUTCString(), /\d\dh \d\dm/],
  ])('%s: is told at once, and not slept through', (_, retryAfter, words) =>
    inWorld(async (world) => {
      strike(world, { kind: '429', retryAfter, route: 'listGpuTypes' });
      const { code, stderr, seconds } = await timed(world.autopod(CREATE, patient(world, 600_000)));
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(new RegExp(`asks to wait ${words instanceof RegExp ? words.source : words}`)),
      ]);
      expect(stderr).not.toContain('Warning');
      expect(seconds).toBeLessThan(soonSeconds());
      expect(questions(world)).toBeLessThan(12);
    }),
  );

  it.each(sample(2, ['-1', 'NaN', 'Infinity', '1e400']))('“%s” is no loop of requests', (retryAfter) =>
    inWorld(async (world) => {
      strike(world, { kind: '429', retryAfter, route: 'listGpuTypes' });
      const { code, stderr } = await world.autopod([...CREATE, '--timeout', paced(12)]);
      expect([code, stderr]).toEqual([1, expect.stringContaining('limits how often')]);
      expect(stderr).not.toContain('Warning');
      expect(times(/Trying again for up to/, stderr)).toBe(1);
      expect(questions(world)).toBeLessThan(15);
    }),
  );

  it('two seconds, as a number or a time, is waited for', () =>
    inWorld(async (world) => {
      strike(world, { kind: '429', retryAfter: '2', route: 'listGpuTypes', times: 1 });
      strike(world, {
        kind: '429',
        retryAfter: new Date(Date.now() + 8_000).toUTCString(),
        route: 'createPod',
        times: 1,
      });
      const run = await world.autopod([...CREATE, '--timeout', '1m']);
      expect(run.code, run.stderr).toBe(0);
      expect(run.stderr).toMatch(
        /limits how often it may be asked\. It asks to wait 2s\. Trying again for up to/,
      );
    }));

  it('Ctrl-C ends the wait, and up goes on', () =>
    inWorld(async (world) => {
      strike(world, { kind: '429', retryAfter: '300', route: 'listGpuTypes' });
      const { child, ended } = world.start(CREATE, patient(world, 600_000));
      await says(child, /wait 5m/);
      child.kill('SIGINT');
      expect(await ended).toMatchObject({
        code: 130,
        stderr: expect.stringMatching(/Interrupted[\s\S]*autopod up/),
      });
      heal(world);
      expect((await world.autopod(['up', '--no-tunnel'])).code).toBe(0);
      expect(await world.podIds()).toHaveLength(1);
    }));
});

describe.concurrent('a wait is told as it begins, off a terminal, too', () => {
  it('for an answer that does not come', () =>
    withPod(async (world, podId) => {
      strike(world, { kind: 'stallBefore', route: '*' });
      const run = await world.autopod(['stop', podId, '--timeout', paced(5)]);
      expect(times(/RunPod has not answered yet; waiting for up to \d+s/, run.stderr)).toBe(1);
    }));

  it('for another command that is choosing, and Ctrl-C ends it', () =>
    inWorld(async (world) => {
      strike(world, { kind: 'delay', ms: 8_000 * pace(), route: 'listPods', times: 1 });
      const first = world.start(['up', '--no-tunnel']);
      await until('asking', () => questions(world) > 0);
      const second = world.start(['up', '--no-tunnel']);
      await says(second.child, /is choosing a pod.*up to \d+m/);
      second.child.kill('SIGINT');
      expect((await second.ended).code).toBe(130);
      expect((await first.ended).code).toBe(0);
    }));

  it('for a tunnel that does not come up, whose end --timeout sets', () =>
    withPod(async (world, podId) => {
      await fetch(`${world.simulator.controlUrl}/pods/${podId}/sshd`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"state":"down"}',
      });
      const { code, stderr, seconds } = await timed(
        world.autopod(['tunnel', podId, '--local-port', 'auto', '--timeout', paced(9)]),
      );
      expect([code, times(/is being opened; waiting for up to \d+s/, stderr)]).toEqual([1, 1]);
      expect(seconds).toBeLessThan(soonSeconds());
    }));
});
