import { AutopodError } from '../../errors.ts';
import { fetchOutputs, filesHere, wantedOutputs } from '../../jobs/files/index.ts';
import type { JobFacts, JobOutput } from '../../machines/job-types.ts';
import { hasEnded, type JobRecord, jobRecord, jobState } from '../../store/job-record.ts';
import { JobStore } from '../../store/jobs.ts';
import type { Context } from '../context.ts';
import { jobIdsOf } from '../running/job-ref.ts';
import { jobJson } from '../running/job-view.ts';
import { writableOut } from '../running/out-folder.ts';
import { type ReadyPod, readyPod } from '../running/ready-pods.ts';
import { runText } from '../text/run.ts';
import type { Verb } from '../verb.ts';
import { jobOrFile } from './jobs-show.ts';

/** Downloads what a job has made and is not here, or not whole; prints every path. The pod has to run. */
export const jobsFetch: Verb<{ out?: string; previews?: boolean }> = async (context, named, options) => {
  const { out } = context;
  const store = new JobStore(context.home());
  const ids = await jobIdsOf(store, await jobOrFile(store, named));
  const folder = options.out === undefined ? undefined : await writableOut(options.out);
  const ways = new Map<string, ReadyPod>();
  const shown: ReturnType<typeof jobJson>[] = [];
  for (const id of ids) {
    const record = await store.get(id);
    if (!record) continue;
    if (!hasEnded(record) && ids.length === 1) throw new AutopodError('usage', runText.notEnded(id));
    const fetched = hasEnded(record)
      ? await fetchOf(context, store, record, { ...options, folder, ways })
      : record;
    shown.push(jobJson(fetched));
    if (!out.isJson) for (const { path } of filesHere(fetched.facts)) out.line(path);
  }
  if (out.isJson) out.json({ jobs: shown });
  return 0;
};

interface Fetching {
  /** Absolute; undefined for where the files were to be. */
  folder: string | undefined;
  previews?: boolean;
  /** Pods by their id, each made sure of once. */
  ways: Map<string, ReadyPod>;
}

/** The record with its files here. Into another folder than its own they are copied; the record then stays as it is. */
async function fetchOf(
  context: Context,
  store: JobStore,
  record: JobRecord,
  { folder, previews, ways }: Fetching,
): Promise<JobRecord> {
  const isCopy = folder !== undefined && folder !== record.facts.out;
  const facts: JobFacts = {
    ...record.facts,
    ...(folder !== undefined && { out: folder }),
    ...(previews && { withPreviews: true }),
    ...(isCopy && {
      outputs: record.facts.outputs?.map((output) => ({ ...output, path: null })) ?? null,
      kept: [],
    }),
  };
  const podId = facts.ranOn?.podId ?? facts.podId;
  if (podId === null || !wantedOutputs(facts).some(({ path }) => path === null)) return record;
  const pod = ways.get(podId) ?? (await readyPod(context, podId, {}, undefined));
  ways.set(podId, pod);
  const keep = async (outputs: JobOutput[], isWhole: boolean): Promise<void> => {
    if (isCopy) return;
    await store.update(facts.jobId, (now) => {
      const isDone = isWhole && HELD_UP.includes(now.facts.failure?.code ?? '');
      const changed = {
        ...now.facts,
        outputs,
        withPreviews: facts.withPreviews,
        ...(isDone && { failure: null }),
      };
      return jobRecord(changed, isDone ? 'done' : jobState(now));
    });
  };
  const onFile = (outputs: JobOutput[]) => keep(outputs, false);
  const outputs = await fetchOutputs({ localPort: pod.localPort }, facts, context.signal, { onFile });
  await keep(outputs, true);
  context.out.say(runText.fetched(facts.jobId));
  return isCopy ? { ...record, facts: { ...facts, outputs } } : ((await store.get(facts.jobId)) ?? record);
}

/** What fails a job that ComfyUI has done: once its files are here it is done. */
const HELD_UP = ['diskFull', 'outputFolderUnwritable', 'outputFolderLeadsOut', 'comfyUnanswered'];
