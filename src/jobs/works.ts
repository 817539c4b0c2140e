import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventObject } from 'xstate';
import type { Working, Works } from '../host/local.ts';
import type { Prepared, Uploaded } from '../machines/job-reading.ts';
import type { Found, JobFacts, Submitted } from '../machines/job-types.ts';
import { findPrompt, submitPrompt, uploadInput } from '../services/comfyui/index.ts';
import { comfyUI } from '../services/comfyui/status.ts';
import type { WorkEnvironment } from './environment.ts';
import { fetchOutputs } from './files/index.ts';
import { Following } from './follow.ts';
import { lookForPrompt } from './look.ts';
import { NO_PROGRESS } from './no-progress.ts';
import { withNames } from './prompt-text.ts';

type OfFacts = Working<JobFacts>;

/**
 * The job machine joined to ComfyUI. Each of these may be done twice: what changes something looks first. `end` ends the
 * following of its progress until it is followed again.
 */
export function jobWorks(env: WorkEnvironment): { works: Works; end: () => void } {
  let following = new Following(env);
  const works = {
    lookForPrompt: ({ input, signal }: OfFacts): Promise<Found> => lookForPrompt(env, input, signal),
    awaitReach: ({ input, signal }: OfFacts): Promise<void> => awaitReach(env, input, signal),
    prepareJob: ({ input, signal }: OfFacts): Promise<Prepared> => prepareJob(env, input, signal),
    uploadInputs: ({ input, signal }: OfFacts): Promise<Uploaded> => uploadInputs(env, input, signal),
    submitPrompt: ({ input, signal }: Working<{ facts: JobFacts; uploaded: string[] }>): Promise<Submitted> =>
      submit(env, input.facts, input.uploaded, signal),
    awaitTurn: ({ input, signal }: OfFacts): Promise<Found> => following.until(input, ['pending'], signal),
    awaitEnd: ({ input, signal }: OfFacts): Promise<Found> => following.until(input, ['running'], signal),
    fetchFiles: (working: OfFacts): Promise<void> => fetchFiles(env, working),
  };
  const end = () => {
    following.end();
    following = new Following(env);
  };
  return { works: works as Works, end };
}

async function awaitReach(
  { pods, timings }: WorkEnvironment,
  facts: JobFacts,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const standing =
      facts.podId === null ? 'stopped' : await pods.standing(facts.podId).catch(() => undefined);
    if (standing === 'ready' || standing === 'closing') return;
    await sleep(timings.jobPollMs, undefined, { signal });
  }
}

async function prepareJob(
  { store, pods }: WorkEnvironment,
  facts: JobFacts,
  signal: AbortSignal,
): Promise<Prepared> {
  const podId = facts.podId ?? '';
  const way = pods.way(podId);
  const [about, stats] = await Promise.all([
    pods.about(podId, signal),
    'localPort' in way ? comfyUI(way.localPort).systemStats(signal) : undefined,
    store.content(facts.prompt),
    facts.workflow === null ? undefined : store.content(facts.workflow),
  ]);
  const comfyui = stats?.system.comfyui_version ?? null;
  return { promptId: randomUUID(), ranOn: { podId, ...about, comfyui } };
}

async function uploadInputs(
  { pods }: WorkEnvironment,
  { podId, inputs }: JobFacts,
  signal: AbortSignal,
): Promise<Uploaded> {
  const names: string[] = [];
  for (const input of inputs) names.push(await uploadInput(pods.way(podId ?? ''), input, signal));
  return { names, at: Date.now() };
}

async function submit(
  { store, pods }: WorkEnvironment,
  { podId, submissions, prompt, workflow, inputs }: JobFacts,
  uploaded: string[],
  signal: AbortSignal,
): Promise<Submitted> {
  const { promptId = '' } = submissions.at(-1) ?? {};
  const way = pods.way(podId ?? '');
  if ((await findPrompt(way, promptId, signal)).kind !== 'unknown') return { kind: 'taken' };
  const submission = {
    promptId,
    prompt: withNames(await store.content(prompt), inputs, uploaded),
    workflow: workflow === null ? null : await store.content(workflow),
  };
  const submitted = await submitPrompt(way, submission, signal);
  return submitted.kind === 'refused' ? submitted : { kind: 'taken', dropped: submitted.dropped };
}

async function fetchFiles(
  { pods, onProgress }: WorkEnvironment,
  { input: facts, signal, send }: OfFacts,
): Promise<void> {
  let told = '';
  const arrived = (outputs: JobFacts['outputs']) => {
    const text = JSON.stringify(outputs);
    if (text !== told) send({ type: 'files.arrived', outputs } as EventObject);
    told = text;
  };
  if ((facts.outputs ?? []).length === 0) return;
  const way = facts.podId === null ? { localPort: 0 } : pods.way(facts.podId);
  const outputs = await fetchOutputs(way, facts, signal, {
    onFile: arrived,
    onBytes: ({ bytes, ofBytes }) => onProgress(facts.jobId, { ...NO_PROGRESS, bytes, ofBytes }),
  });
  arrived(outputs);
}
