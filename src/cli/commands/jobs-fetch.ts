import { resolve } from 'node:path';
import { AutopodError } from '../../errors.ts';
import { fetchOutputs, wantedOutputs } from '../../jobs/files/index.ts';
import type { JobFacts, JobOutput } from '../../machines/job-types.ts';
import { hasEnded, type JobRecord, JobStore, jobRecord, jobState } from '../../store/jobs.ts';
import type { Context } from '../context.ts';
import { jobIdsOf } from '../running/job-ref.ts';
import { filesHere, jobJson } from '../running/job-view.ts';
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
    const facts = {
      ...record.facts,
      ...(folder !== undefined && { out: folder }),
      ...(options.previews && { withPreviews: true }),
    };
    if (!hasEnded(record) && ids.length === 1) throw new AutopodError('usage', runText.notEnded(id));
    if (hasEnded(record) && isLacking(facts, folder !== undefined)) {
      await fetchOf(context, store, record, facts, ways);
    }
    const now = (await store.get(id)) ?? record;
    shown.push(jobJson(now));
    if (!out.isJson) for (const { path } of filesHere(now.facts)) out.line(path);
  }
  if (out.isJson) out.json({ jobs: shown });
  return 0;
};

function isLacking(facts: JobFacts, isElsewhere: boolean): boolean {
  return wantedOutputs(facts).some(({ path }) => path === null || isElsewhere);
}

async function fetchOf(
  context: Context,
  store: JobStore,
  record: JobRecord,
  facts: JobFacts,
  ways: Map<string, ReadyPod>,
): Promise<void> {
  const podId = facts.ranOn?.podId ?? facts.podId;
  if (podId === null) return;
  const known = ways.get(podId) ?? (await readyPod(context, podId, NO_UP, undefined));
  ways.set(podId, known);
  const keep = (outputs: JobOutput[], isWhole: boolean) =>
    store.update(facts.jobId, (now) => {
      const isHeldUp = isWhole && HELD_UP.includes(now.facts.failure?.code ?? '');
      const changed = { ...now.facts, out: resolve(facts.out), outputs, ...(isHeldUp && { failure: null }) };
      return jobRecord(changed, isHeldUp ? 'done' : jobState(now));
    });
  const onFile = (outputs: JobOutput[]) => keep(outputs, false);
  await keep(await fetchOutputs({ localPort: known.localPort }, facts, context.signal, { onFile }), true);
  context.out.say(runText.fetched(record.facts.jobId));
}

/** What fails a job that ComfyUI has done: once its files are here it is done. */
const HELD_UP = ['diskFull', 'outputFolderUnwritable', 'outputFolderLeadsOut', 'comfyUnanswered'];

const NO_UP = { up: false } as never;
