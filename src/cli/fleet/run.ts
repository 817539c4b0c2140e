import { AutopodError } from '../../errors.ts';
import { parseJson, readDefinitions } from '../../workflow/index.ts';
import { readRun } from '../running/asked-for.ts';
import { keepBatch } from '../running/batch.ts';
import { problemsOfRun, requireRunnable, showDryRun } from '../running/check.ts';
import { type Drafting, requireFileInput } from '../running/draft.ts';
import type { LocalFiles } from '../running/local-inputs.ts';
import type { RunOptions } from '../running/options.ts';
import { promptOf } from '../running/prompt-of.ts';
import { showSettable } from '../running/show.ts';
import type { WorkflowFile } from '../running/workflow-file.ts';
import { fleetText } from '../text/fleet.ts';
import { runText } from '../text/run.ts';
import type { Verb } from '../verb.ts';
import { type JobClient, jobClient } from './job-client.ts';
import { seeJobsThrough } from './see-jobs-through.ts';
import { Submission } from './submission.ts';

/** From a workflow to files on this machine, by way of a pool of the fleet's. It goes on while this machine sleeps. */
export const run: Verb<RunOptions> = async (context, file = '', options, pod) => {
  requireNoPod(pod);
  const { workflow, files, inputs, asked, out } = await readRun(file, options);

  const client = jobClient(context);
  const pool = await poolMeant(client, options.pool);
  const { drafting, isKnown } = await draftingFor(client, pool, workflow, files);
  if (isKnown) for (const input of inputs) requireFileInput(input, drafting);
  else requireNothingUnknown(pool, workflow, inputs, options);
  if (options.show) return showSettable(context, drafting.base.prompt, drafting.definitions);
  if (isKnown && options.dryRun) return showDryRun(context, workflow.name, drafting, asked);
  if (isKnown) requireRunnable(workflow.name, '', await problemsOfRun(drafting, asked));
  else context.out.say(fleetText.unchecked(pool), 'warning');

  const submission = new Submission(context, client, { pool, priority: options.priority ?? 0 });
  const { same } = await keepBatch(submission, {
    name: workflow.name,
    asked,
    drafting,
    out,
    options,
    pods: [],
    toEnd: [],
  });
  if (same > 0) context.out.say(runText.sameJobs(same), 'warning');
  // The default is about a pod that comes up; a job takes as long as it takes, unless the user said how long to wait.
  if (!context.deadline.isSaid) context.deadline.begin(Number.POSITIVE_INFINITY, false);
  return seeJobsThrough(context, submission.batch, { ...options, out });
};

/** The pool that is named, or the only one there is. Throws `poolNotFound`. */
export async function poolMeant(client: JobClient, named: string | undefined): Promise<string> {
  if (named !== undefined) return (await client.pool(named)).name;
  const names = (await client.pools()).filter(({ isRemoved }) => !isRemoved).map(({ name }) => name);
  const [only, ...others] = names;
  if (only === undefined || others.length > 0) throw new AutopodError('poolNotFound', { pools: names });
  return only;
}

/** Throws `usage` for a pod: jobs go to a pool. */
export function requireNoPod(pod: string | undefined): void {
  if (pod === undefined) return;
  throw new AutopodError('usage', {
    message: `A fleet's jobs go to a pool and not to a pod, so “${pod}” means nothing here.`,
    next: 'Name a pool with --pool, or use --fleet none for the pods of this machine.',
  });
}

async function draftingFor(
  client: JobClient,
  pool: string,
  workflow: WorkflowFile,
  files: LocalFiles,
): Promise<{ drafting: Drafting; isKnown: boolean }> {
  const told = await client.objectInfo(pool);
  const definitions = readDefinitions(parseJson(told ?? '{}'));
  if (told === undefined && workflow.prompt === undefined)
    throw unknownNodes(pool, 'A workflow in the editor’s format');
  const folders = [...new Set([workflow.folder ?? process.cwd(), process.cwd()])];
  const base = promptOf(workflow, definitions);
  return { drafting: { base, definitions, folders, files }, isKnown: told !== undefined };
}

/** What cannot be done rightly before a ComfyUI has told what its nodes take. */
function requireNothingUnknown(
  pool: string,
  { prompt }: WorkflowFile,
  inputs: string[],
  { show, dryRun, seed }: RunOptions,
): void {
  if (show || dryRun) throw unknownNodes(pool, `What ${show ? '--show' : '--dry-run'} prints`);
  if (inputs.length > 0) throw unknownNodes(pool, 'A file of --input');
  if (seed !== undefined && seed !== 'same') throw unknownNodes(pool, 'A --seed');
  const loads = Object.values(prompt ?? {}).some(({ class_type }) =>
    /^Load(Image|Audio|Video)/.test(class_type),
  );
  if (loads) throw unknownNodes(pool, 'A workflow that loads files');
}

function unknownNodes(pool: string, what: string): AutopodError {
  return new AutopodError('usage', {
    message: `${what} needs to know the nodes of pool ${pool}, and no pod like its has been ready yet.`,
    next: `Have one come up first: autopod pool change ${pool} --min 1`,
  });
}
