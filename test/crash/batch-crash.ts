import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keeperClient } from '../../src/keeper/client.ts';
import { describeHome } from '../../src/store/home.ts';
import { batchAt, comfyOf, filesHere, podsReady, timesMade } from '../support/jobs.ts';
import { commandLine, signal } from '../support/processes.ts';
import { seededRandom } from '../support/random.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

/** What dies while a batch runs. */
export type BatchCrash =
  | { kind: 'atTime'; victim: 'keeper' | 'ssh' | 'all' | 'comfy' | 'lostAnswer'; afterMs: number }
  | { kind: 'atWrite'; write: number; when: 'before' | 'after' };

export interface BatchPlan {
  pods: 1 | 2;
  crashes: BatchCrash[];
}

const JOBS = 6;
const SECONDS = 0.4;

/** The plan of one run of the campaign over batches; the same seed and number give the same plan. */
export function batchPlanOf(seed: number, run: number): BatchPlan {
  const random = seededRandom(seed * 1_000_003 + run);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  const crash = (): BatchCrash =>
    random() < 0.6
      ? {
          kind: 'atTime',
          victim: pick(['keeper', 'keeper', 'ssh', 'all', 'comfy', 'lostAnswer']),
          afterMs: Math.floor(100 + random() * 1_500),
        }
      : { kind: 'atWrite', write: 1 + Math.floor(random() * 60), when: pick(['before', 'after']) };
  return { pods: pick([1, 1, 2]), crashes: Array.from({ length: 1 + Math.floor(random() * 3) }, crash) };
}

/** One batch under crashes: every job ends with exactly one set of files. Throws what was wrong otherwise. */
export async function batchUnderCrashes({ pods, crashes }: BatchPlan): Promise<number> {
  const world = await startWorld({ comfyui: { jobMs: 0 } });
  world.env.AUTOPOD_KEEPER_TIMINGS = JSON.stringify({ jobPollMs: 200, jobArrivalMs: 800 });
  try {
    const podIds = await podsReady(world, pods);
    const batch = await batchAt(world, podIds, JOBS, { seconds: SECONDS, files: 2 });
    await batch.heed();
    let died = 0;
    for (const crash of crashes) died += await crashOnce(world, podIds, batch.batchId, crash);
    await batch.heed();
    await batch.ended(90_000);
    const states = (await batch.states()).join(' ');
    check(states === Array(JOBS).fill('done').join(' '), `the jobs ended ${states}`);
    const { here, told } = await filesHere(batch);
    check(here.join() === told.join(), `files here: ${here.join(' ')}; of jobs: ${told.join(' ')}`);
    check(told.length === JOBS * 2, `${told.length} files of ${JOBS} jobs`);
    const hasForgotten = crashes.some((one) => one.kind === 'atTime' && one.victim === 'comfy');
    const times = timesMade(world, podIds, batch.jobIds);
    check(hasForgotten || times.every((files) => files === 2), `files made: ${times.join(' ')}`);
    return died;
  } finally {
    await world.end();
  }
}

async function crashOnce(
  world: TestWorld,
  podIds: string[],
  batchId: string,
  crash: BatchCrash,
): Promise<number> {
  const account = { apiUrl: world.simulator.url, apiKey: world.env.RUNPOD_API_KEY };
  if (crash.kind === 'atWrite') {
    const died = signal(world.processes(), 'SIGKILL');
    const NODE_OPTIONS = `--import=file://${join(import.meta.dirname, 'die-at-write.mjs')}`;
    const dying = { DIE_IN: 'keeper.js', DIE_AT: String(crash.write), DIE_WHEN: crash.when };
    const client = keeperClient(describeHome(world.home), { ...world.env, NODE_OPTIONS, ...dying });
    // A keeper that dies at each of its starts is begun again and again by its guardian.
    await client.heedBatch(batchId, account, AbortSignal.timeout(4_000)).catch(() => undefined);
    await sleep(1_500);
    await world.killAll();
    return died;
  }
  await sleep(crash.afterMs);
  const comfys = podIds.map((podId) => comfyOf(world, podId));
  const ssh = () => world.processes().filter((pid) => commandLine(pid).startsWith('ssh '));
  switch (crash.victim) {
    case 'keeper':
      return signal(world.keeperPids(), 'SIGKILL');
    case 'ssh':
      return signal(ssh(), 'SIGKILL');
    case 'all':
      return signal(world.processes(), 'SIGKILL');
    case 'lostAnswer':
      for (const { faults } of comfys) faults.lostAnswers += 1;
      return 0;
    case 'comfy':
      for (const comfy of comfys) {
        comfy.stop();
        comfy.start();
      }
      return comfys.length;
  }
}

function check(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Error(message);
}
