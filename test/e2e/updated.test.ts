import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import type { ScenarioInput } from '../../sim/scenario.ts';
import { installed } from '../support/other-user.ts';
import { pace, paced } from '../support/pace.ts';
import { commandLine, signal } from '../support/processes.ts';
import { statusAt } from '../support/status-at.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let program: string;
afterEach(() => world.end());

const begin = async (scenario: ScenarioInput = {}) => {
  world = await startWorld(scenario);
  program = installed();
  world.env.AUTOPOD_KEEPER_TIMINGS = JSON.stringify({ autoStopLookMs: 200, maxFailedStarts: 3 });
};
const start = (args: string[]) => {
  const child = spawn(process.execPath, [join(program, 'dist', 'cli.js'), ...args], {
    env: world.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]).then(
    ([[code], stdout, stderr]) => ({ code: code as number, stdout, stderr }),
  );
  return { child, ended };
};
const up = ['up', '--local-port', 'auto'];
const podState = async () => (await world.pods())[0]?.status;
const log = () => readFileSync(join(world.home, 'logs', 'autopod.log'), 'utf8');
const guardians = () => world.processes().filter((pid) => commandLine(pid).includes('autopod-guardian'));

/** As npm leaves it: the files that are asked for by name are others, and the chunks have other names. */
const update = () => {
  const chunks = join(program, 'dist', 'chunks');
  for (const name of readdirSync(chunks)) renameSync(join(chunks, name), join(chunks, `other-${name}`));
};
const remove = () => rmSync(join(program, 'dist'), { recursive: true });

describe('autopod is updated or removed', () => {
  it('under a running up, which goes on to the end', async () => {
    await begin({ latencies: { imagePullMs: 1_500 * pace() } });
    const { ended } = start(up);
    await until('pulling', async () => (await podState()) === 'STARTING');
    update();
    const run = await ended;
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toContain('ComfyUI available');
  });

  it('for good under a running up, which says so and how to go on', async () => {
    await begin({ latencies: { imagePullMs: 1_500 * pace() } });
    const { ended } = start([...up, '--json']);
    await until('pulling', async () => (await podState()) === 'STARTING');
    remove();
    const { code, stdout } = await ended;
    const { error } = JSON.parse(stdout);
    expect([code, error.code, error.hint]).toEqual([1, 'programReplaced', expect.stringContaining('Repeat')]);
    expect((await world.autopod(up)).code).toBe(0);
    expect(await world.podIds()).toHaveLength(1);
  });

  it('under a keeper, which mends its tunnel and stops the pod all the same, also without its guardian', async () => {
    await begin();
    const run = await start([...up, '--stop-after', paced(8)]).ended;
    expect(run.code, run.stderr).toBe(0);
    const [{ sshPid, localPort }] = JSON.parse(
      (await world.autopod(['tunnel', 'list', '--json'])).stdout,
    ).tunnels;
    const keeper = world.keeperPids();
    remove();
    expect(signal([...guardians(), sshPid], 'SIGKILL')).toBeGreaterThan(1);
    expect(await statusAt(localPort)).toBe(200);
    expect(world.keeperPids()).toEqual(keeper);
    await until('said', () => /the guardian has ended, and .* is gone/.test(log()));
    await until('stopped', async () => (await podState()) === 'EXITED');
  });

  it('under a guardian, which gives up with a word; the next command starts the keeper of the program there is', async () => {
    await begin();
    expect((await start([...up, '--stop-after', '1h']).ended).code).toBe(0);
    remove();
    signal(world.keeperPids(), 'SIGKILL');
    await until('given up', () => guardians().length === 0);
    expect(log()).toMatch(
      /guardian \d+: gave up after 3 starts of a keeper: .*keeper\.js is not there any more/,
    );
    const list = await world.autopod(['tunnel', 'list', '--json']);
    expect(JSON.parse(list.stdout).tunnels).toMatchObject([{ autoStop: { stopAt: expect.any(String) } }]);
    expect(world.keeperPids()).toHaveLength(1);
    expect(guardians()).toHaveLength(1);
  });
});
