import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ScenarioInput } from '../../sim/scenario.ts';
import { commandLine, signal } from '../support/processes.ts';
import { statusAt } from '../support/status-at.ts';
import { leftRunning, startWorld, type TestWorld } from '../support/world.ts';

/** Which processes are killed at once; `keeperAndSsh` leaves the guardian and the command. */
export type Victim = 'cli' | 'guardian' | 'keeper' | 'ssh' | 'keeperAndSsh' | 'both' | 'all';

/** How one run is made to crash before `up` is asked again. */
export type Crash =
  | { kind: 'atTime'; victim: Victim; afterMs: number }
  | { kind: 'atWrite'; victim: 'cli.js' | 'keeper.js'; write: number; when: 'before' | 'after' };

export interface CrashPlan {
  /** Crashes in a row, each in an `up` of its own. */
  crashes: Crash[];
  scenario: ScenarioInput;
  /**
   * `migration`: RunPod has moved the pod before, so that two carry its launch id and the later one is asked for.
   * `neighbors`: with each crash the account gets another pod of somebody else's, so that ours is on a later page.
   */
  company?: 'migration' | 'neighbors';
}

/**
 * One launch under crashes: after the last of them `up` must end with one pod that is ready, and `kill` must
 * leave nothing. Answers how many processes died by the plan; throws an error that says what was wrong otherwise.
 */
export async function launchUnderCrashes({ crashes, scenario, company }: CrashPlan): Promise<number> {
  const world = await startWorld(scenario);
  let died = 0;
  try {
    const left = company === 'migration' ? await migrated(world) : undefined;
    const neighbors: string[] = [];
    const up = ['up', '--local-port', 'auto', ...(left ? [left.later] : [])];
    for (const crash of crashes) {
      died += await crashOnce(world, up, crash);
      if (company === 'neighbors') neighbors.push(neighborIn(world));
    }
    const own = async () => (await world.podIds()).filter((id) => !neighbors.includes(id));
    const run = await world.autopod(up);
    check(run.code === 0, `up after the crash ended with ${run.code}: ${run.stderr}`);
    const pods = await own();
    check(pods.length === (left ? 2 : 1), `there are ${pods.length} pods: ${pods.join(', ')}`);
    const port = /localhost:(\d+)/.exec(run.stdout)?.[1] ?? '';
    const status = await statusAt(port);
    check(status === 200, `ComfyUI answered ${status} through the tunnel`);
    if (left) await endLater(world, left);
    const killed = await world.autopod(['kill', '--yes', ...(neighbors.length > 0 ? pods : [])]);
    check(killed.code === 0, `kill ended with ${killed.code}: ${killed.stderr}`);
    check((await own()).length === 0, 'a pod is left after kill');
    check((await world.podIds()).length === neighbors.length, 'somebody else’s pod was ended');
    const running = await leftRunning(world);
    check(running.length === 0, `still running: ${running.join('; ')}`);
    return died;
  } finally {
    await world.end();
  }
}

function neighborIn({ simulator }: TestWorld): string {
  const gpu = { id: 'NVIDIA A40', count: 1 };
  return simulator.world.createPod({ name: 'theirs', image: 'x', gpu, ports: [], disk: 10 }).id;
}

interface Migrated {
  before: string;
  later: string;
}

async function migrated(world: TestWorld): Promise<Migrated> {
  const run = await world.autopod(['up', '--local-port', 'auto']);
  check(run.code === 0, `the first up ended with ${run.code}: ${run.stderr}`);
  const [before = ''] = await world.podIds();
  await fetch(`${world.simulator.controlUrl}/pods/${before}/migrate`, { method: 'POST' });
  const later = (await world.podIds()).find((id) => id !== before) ?? '';
  return { before, later };
}

/** Whatever crashed, the pod that was named is the one that was used, and the one that is ended. */
async function endLater(world: TestWorld, { before, later }: Migrated): Promise<void> {
  const { status } = world.simulator.world.pod(before);
  check(status === 'EXITED', `the pod that was not asked for is ${status}`);
  const killed = await world.autopod(['kill', '--yes', later]);
  check(killed.code === 0, `kill of the later pod ended with ${killed.code}: ${killed.stderr}`);
  const left = (await world.podIds()).join(', ');
  check(left === before, `kill of ${later} left ${left} and not ${before}`);
}

/** One `up` under one crash; answers how many processes died. */
export async function crashOnce(world: TestWorld, up: string[], crash: Crash): Promise<number> {
  if (crash.kind === 'atWrite') {
    const NODE_OPTIONS = `--import=file://${join(import.meta.dirname, 'die-at-write.mjs')}`;
    const env = { NODE_OPTIONS, DIE_IN: crash.victim, DIE_AT: String(crash.write), DIE_WHEN: crash.when };
    const { child, ended } = world.start(up, env);
    // A keeper that dies at each of its starts never gets there; the user gives up some day, too.
    const givenUp = setTimeout(() => child.kill('SIGKILL'), 8_000);
    const run = await ended;
    clearTimeout(givenUp);
    if (crash.victim === 'keeper.js') return signal(world.processes(), 'SIGKILL');
    return run.signal === 'SIGKILL' ? 1 : 0;
  }
  const { child, ended } = world.start(up);
  await Promise.race([sleep(crash.afterMs), ended]);
  const ssh = () => world.processes().filter((pid) => commandLine(pid).startsWith('ssh '));
  const victims: Record<Victim, () => number[]> = {
    cli: () => [child.pid ?? 0],
    guardian: () => world.processes().filter((pid) => commandLine(pid).includes('autopod-guardian')),
    keeper: () => world.keeperPids(),
    ssh,
    keeperAndSsh: () => [...world.keeperPids(), ...ssh()],
    both: () => [child.pid ?? 0, ...world.keeperPids()],
    all: () => world.processes(),
  };
  const died = signal(victims[crash.victim](), 'SIGKILL');
  await ended;
  return died;
}

export function check(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Error(message);
}
