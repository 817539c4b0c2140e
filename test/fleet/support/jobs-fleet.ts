import { join } from 'node:path';
import type { ScenarioInput } from '../../../sim/scenario.ts';
import { describeFleet } from '../../../src/fleet/home.ts';
import type { JobRecord } from '../../../src/store/job-record.ts';
import { hasEnded } from '../../../src/store/job-record.ts';
import { JobStore } from '../../../src/store/jobs.ts';
import { until } from '../../support/until.ts';
import { workflowFile } from '../../support/workflows.ts';
import { startFleet, type TestFleet } from './fleet.ts';
import type { Laptop } from './laptop.ts';

const KEEPER_TIMINGS = { jobPollMs: 150, jobArrivalMs: 600, podPollMs: 200 };

/** A fleet whose jobs take no time of their own, unless their workflow does. */
export function startJobsFleet(scenario: ScenarioInput = {}): Promise<TestFleet> {
  return startFleet(
    { comfyui: { jobMs: 0 }, ...scenario },
    { AUTOPOD_KEEPER_TIMINGS: JSON.stringify(KEEPER_TIMINGS) },
  );
}

/** A workflow that makes files of so many bytes, whose names tell what made them. */
export function making(
  folder: string,
  prefix: string,
  { seconds = 0, bytes = 4_000, count = 1 } = {},
): string {
  const inputs = { bytes, count, seconds, ext: 'png', filename_prefix: prefix, seed: 1 };
  const workflow = { '9': { class_type: 'SimOutput', inputs, _meta: { title: 'Out' } } };
  return workflowFile(folder, `${prefix}.json`, workflow);
}

/** How often ComfyUIs have made files of a prefix, pods included that are gone. */
export function timesMade(fleet: TestFleet, prefix: string): number {
  return [...fleet.simulator.world.pods.values()]
    .flatMap(({ comfyui }) => comfyui.storage.list('output'))
    .filter((path) => path.startsWith(`${prefix}_`)).length;
}

export function storeOf(fleet: TestFleet): JobStore {
  return new JobStore(describeFleet({ root: fleet.home }));
}

export async function recordsOf(fleet: TestFleet): Promise<JobRecord[]> {
  const records: JobRecord[] = [];
  for await (const record of storeOf(fleet).all()) records.push(record);
  return records;
}

export async function allEnded(fleet: TestFleet, count: number, withinMs = 60_000): Promise<JobRecord[]> {
  return until(
    `${count} jobs have ended`,
    async () => {
      const records = await recordsOf(fleet);
      return records.length >= count && records.every(hasEnded) ? records : undefined;
    },
    withinMs,
  );
}

/** Makes a pool with a member's command line. */
export async function poolOf(laptop: Laptop, name: string, ...options: string[]): Promise<void> {
  const run = await laptop.autopod('pool', 'create', name, ...options);
  if (run.code !== 0) throw new Error(run.stderr + run.stdout);
}

/** Folder for what a member's jobs make. */
export function outOf(laptop: Laptop): string {
  return join(laptop.home, 'made');
}
