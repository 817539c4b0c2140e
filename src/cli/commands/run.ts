import { AutopodError } from '../../errors.ts';
import { objectInfo } from '../../services/comfyui/index.ts';
import { JobStore } from '../../store/jobs.ts';
import { parseJson, readDefinitions } from '../../workflow/index.ts';
import type { Context } from '../context.ts';
import { readRun } from '../running/asked-for.ts';
import { keepBatch } from '../running/batch.ts';
import { problemsOfRun, requireRunnable, showDryRun } from '../running/check.ts';
import { type Drafting, requireFileInput } from '../running/draft.ts';
import type { LocalFiles } from '../running/local-inputs.ts';
import { requireNoPool } from '../running/no-pool.ts';
import type { RunOptions } from '../running/options.ts';
import { namedPods, podsOfRun } from '../running/pods-of-run.ts';
import { promptOf } from '../running/prompt-of.ts';
import { type ReadyPod, readyPod, rentingFrom, requireUp } from '../running/ready-pods.ts';
import { seeThrough } from '../running/see-through.ts';
import { showSettable } from '../running/show.ts';
import { endingUnused } from '../running/then.ts';
import type { WorkflowFile } from '../running/workflow-file.ts';
import { runText } from '../text/run.ts';
import type { Verb } from '../verb.ts';

/** From a workflow to files on this machine: what is wrong with what was given is told before anything is rented or sent. */
export const run: Verb<RunOptions> = async (context, file = '', options, pod) => {
  requireUp(options);
  requireNoPool(options);
  requireOnePlace(options, pod);
  const { workflow, files, inputs, asked, out } = await readRun(file, options);

  const looksOnly = options.show === true || options.dryRun === true;
  const named = await namedPods(context, pod !== undefined ? [pod] : namesOf(options));
  const renting = await rentingFrom(context, options);
  const store = new JobStore(context.home());
  const prepared = async () => {
    const pods = looksOnly
      ? [await readyPod(context, named[0], options, renting)]
      : await podsOfRun(context, named, options, renting);
    const [first, ...others] = pods as [ReadyPod, ...ReadyPod[]];
    const drafting = await draftingOn(context, first, workflow, files);
    for (const input of inputs) requireFileInput(input, drafting);
    if (options.show) return showSettable(context, drafting.base.prompt, drafting.definitions);
    if (options.dryRun) return showDryRun(context, workflow.name, drafting, asked);
    requireRunnable(workflow.name, first.podId, await problemsOfRun(drafting, asked));
    for (const other of others) {
      const there = await draftingOn(context, other, workflow, files);
      requireRunnable(workflow.name, other.podId, await problemsOfRun(there, asked));
    }
    const toEnd = options.then === 'keep' ? [] : [...new Set([...renting.rented, ...named])];
    return keepBatch(store, { name: workflow.name, asked, drafting, out, options, pods, toEnd });
  };
  const kept = await endingUnused(context, options.then, renting.rented, prepared);
  if (typeof kept === 'number') return kept;
  const { batch, same } = kept;
  if (same > 0) context.out.say(runText.sameJobs(same), 'warning');
  // The default is about the pod; a job takes as long as it takes, unless the user said how long to wait.
  if (!context.deadline.isSaid) context.deadline.begin(Number.POSITIVE_INFINITY, false);
  return seeThrough(context, store, batch, options);
};

function requireOnePlace({ pods }: RunOptions, pod: string | undefined): void {
  if (pods === undefined || pod === undefined) return;
  throw new AutopodError('usage', {
    message: `Both pod ${pod} and --pods say where to run.`,
    next: 'Name all pods with --pods, or leave it out.',
  });
}

function namesOf({ pods }: RunOptions): string[] {
  return Array.isArray(pods) ? pods : [];
}

async function draftingOn(
  { signal }: Context,
  { localPort }: ReadyPod,
  workflow: WorkflowFile,
  files: LocalFiles,
): Promise<Drafting> {
  const definitions = readDefinitions(parseJson(await objectInfo({ localPort }, signal)));
  const folders = [...new Set([workflow.folder ?? process.cwd(), process.cwd()])];
  return { base: promptOf(workflow, definitions), definitions, folders, files };
}
