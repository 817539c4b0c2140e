import { commandLine, signal } from '../support/processes.ts';
import { seededRandom } from '../support/random.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';
import { type Crash, check, crashOnce } from './crash.ts';
import { planOf } from './plans.ts';

export interface GuardPlan {
  /** Crashes in a row, each in an `up` of its own, before the pod is ready. */
  crashes: Crash[];
  /** What is killed once the pod has its time: one machine is gone, or loses part of what autopod runs there. */
  leaves: 'all' | 'keeperAndGuardian' | 'keeper' | 'ssh';
}

export function guardPlanOf(seed: number, run: number): GuardPlan {
  const random = seededRandom(seed * 2_000_003 + run);
  const leaves = ['all', 'keeperAndGuardian', 'keeper', 'ssh'] as const;
  return {
    crashes: planOf(seed, run).crashes.slice(0, 1),
    leaves: run % 2 === 0 ? 'all' : (leaves[Math.floor(random() * leaves.length)] ?? 'all'),
  };
}

/** Seconds of its life, and of the grace that its owner has. */
const STOP_AFTER = 5;
const LEAD = 1;
/** Milliseconds; the simulator's machine is slow at times. */
const MINUTE_MS = 60_000;

/**
 * One pod with a time under crashes: after the last of them `up` says that its guard is armed. Then part of this machine
 * is killed, and the pod is stopped all the same. Answers how many processes died.
 */
export async function guardUnderCrashes({ crashes, leaves }: GuardPlan): Promise<number> {
  const world = await startWorld();
  world.env.AUTOPOD_KEEPER_TIMINGS = JSON.stringify({
    autoStopLookMs: 300,
    guardLookMs: 1000,
    guardLeadMs: LEAD * 1000,
  });
  try {
    let died = 0;
    const up = ['up', '--local-port', 'auto', '--stop-after', '1h'];
    for (const crash of crashes) died += await crashOnce(world, up, crash);
    const run = await world.autopod(up);
    check(run.code === 0, `up after the crash ended with ${run.code}: ${run.stderr}`);
    check(/Guard: armed|guard armed/.test(run.stderr), `no guard was armed: ${run.stderr}`);
    const timed = await world.autopod(['tunnel', '--stop-after', `${STOP_AFTER}s`]);
    check(/guard\s+armed/.test(timed.stderr), `the guard was not told: ${timed.stderr}`);
    const dueAt = Date.now() + STOP_AFTER * 1000;
    died += signal(victims(world, leaves), 'SIGKILL');
    const isStopped = async () => (await world.pods())[0]?.status === 'EXITED';
    await until(`the pod is stopped, ${leaves} being killed`, isStopped, STOP_AFTER * 1000 + MINUTE_MS);
    check(Date.now() > dueAt - 2_000, 'the pod was stopped before its time');
    return died;
  } finally {
    await world.end();
  }
}

function victims(world: TestWorld, leaves: GuardPlan['leaves']): number[] {
  const all = world.processes();
  const guardian = all.filter((pid) => commandLine(pid).includes('autopod-guardian'));
  if (leaves === 'all') return all;
  if (leaves === 'ssh') return all.filter((pid) => commandLine(pid).startsWith('ssh '));
  return leaves === 'keeper' ? world.keeperPids() : [...world.keeperPids(), ...guardian];
}
