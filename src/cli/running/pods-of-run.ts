import { AutopodError } from '../../errors.ts';
import { readableRecords } from '../../lifecycle/choose.ts';
import { findDataCenter, planCandidates } from '../../lifecycle/place.ts';
import type { Candidate } from '../../machines/pod-types.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import { podWish } from '../arguments/wishes.ts';
import { confirm } from '../asking/ask.ts';
import { choosePodOrLaunch } from '../choosing/pod-argument.ts';
import { Context } from '../context.ts';
import { Output } from '../output/output.ts';
import { FAILURE_WORDS } from '../text/failures.ts';
import { runText } from '../text/run.ts';
import { text } from '../text.ts';
import { launchOptions, type RunOptions } from './options.ts';
import { type ReadyPod, type Renting, readyPod } from './ready-pods.ts';

/**
 * Every pod a run is given, ready; of several those that came to be. Throws where none did, a pod that is named is not
 * there, or nobody agreed.
 */
export async function podsOfRun(
  context: Context,
  named: string[],
  options: RunOptions,
  renting: Renting,
): Promise<ReadyPod[]> {
  await agreeToThen(context, named, options);
  if (options.pods === undefined) return [await readyPod(context, named[0], options, renting)];
  if (Array.isArray(options.pods)) return readySeveral(context, named, options, renting);
  const wanted = options.pods;
  const there = (await livingPods(context)).slice(0, wanted);
  const missing = wanted - there.length;
  if (missing > 0) await agreeToRent(context, missing, there.length, options);
  const all = [...there, ...Array<undefined>(missing).fill(undefined)];
  return readySeveral(context, all, { ...options, up: true }, renting);
}

/** The ids of the pods that are named, each once: a slip of the finger is told before anything is rented, run or ended. */
export async function namedPods(context: Context, names: string[]): Promise<string[]> {
  const ids = new Set<string>();
  for (const name of names) {
    const { podId, recordId } = await choosePodOrLaunch(context, name);
    ids.add(podId ?? recordId);
  }
  return [...ids];
}

/** Ending a pod that is named is asked about, as `kill` asks (I12); one made for the run is part of what was asked. */
async function agreeToThen(context: Context, named: string[], { then, yes }: RunOptions): Promise<void> {
  if (then !== 'kill' || yes) return;
  for (const pod of named) {
    const isAgreed = await confirm(context, `Ending pod ${pod} afterwards`, text.killQuestion(pod));
    if (!isAgreed) throw new AutopodError('declined');
  }
}

/** Pods of this machine's key that run or are coming to be, the oldest first; a launch that has no pod yet by its own id. */
async function livingPods(context: Context): Promise<string[]> {
  const listed = await (await context.runpod()).listPods(context.signal);
  const living = listed.filter((pod) => ['running', 'pending'].includes(observePod(pod).condition));
  const records = (await readableRecords(await context.pods())).filter(([, { facts }]) => !facts.isOthers);
  return records
    .filter(
      ([, { facts }]) => living.some(({ id }) => id === facts.podId) || (!facts.podId && facts.isCreateOpen),
    )
    .toSorted(([, a], [, b]) => a.facts.launchedAt - b.facts.launchedAt)
    .map(([id, { facts }]) => facts.podId ?? id);
}

/** Asks with the whole price, before anything is rented. */
async function agreeToRent(
  context: Context,
  missing: number,
  there: number,
  options: RunOptions,
): Promise<void> {
  const candidate = await firstCandidate(context, options);
  context.out.say(runText.renting(missing, there, candidate));
  if (options.yes) return;
  const question = runText.rentQuestion(missing, candidate.pricePerHour);
  if (!(await confirm(context, `Renting ${missing === 1 ? 'a pod' : `${missing} pods`}`, question)))
    throw new AutopodError('declined');
}

async function firstCandidate(context: Context, options: RunOptions): Promise<Candidate> {
  const wish = podWish(launchOptions(options), await context.config());
  const { env } = await context.driving({ onState: () => undefined, tell: () => undefined });
  const { dataCenterId } = await findDataCenter(env, wish, context.signal);
  const placed = dataCenterId === null ? wish : { ...wish, dataCenterId };
  const [first] = await planCandidates(env, placed, context.signal);
  if (!first) throw new AutopodError('gpuOutOfStock', { asked: wish.gpuPreferences });
  return first;
}

/** All at the same time, each line of words headed by the pod it is about. */
async function readySeveral(
  context: Context,
  named: (string | undefined)[],
  options: RunOptions,
  renting: Renting,
): Promise<ReadyPod[]> {
  const reached = await Promise.allSettled(
    named.map((pod, index) => {
      const one: RunOptions = {
        ...options,
        localPort: named.length > 1 ? 'auto' : (options.localPort ?? 'auto'),
      };
      one.new = pod === undefined;
      if (pod === undefined && options.podName !== undefined) one.podName = `${options.podName}-${index + 1}`;
      return readyPod(headed(context, pod ?? `pod ${index + 1}`), pod, one, renting);
    }),
  );
  const ready = reached.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failures = reached.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  if (context.signal.aborted) context.out.say(runText.podsBegun());
  context.signal.throwIfAborted();
  if (ready.length === 0) throw failures[0];
  for (const error of failures) {
    if (!(error instanceof AutopodError)) throw error;
    context.out.say(runText.withoutPod(FAILURE_WORDS[error.code](error.detail).what), 'bad');
  }
  return ready;
}

/** A context whose words are headed by a name, for what goes on beside others; nothing is redrawn. */
function headed({ env, out, signal }: Context, name: string): Context {
  const stderr = Object.create(out.stderr) as Output['stderr'];
  stderr.isTTY = false;
  stderr.write = ((words: string) => out.stderr.write(words.replaceAll(/^(?=.)/gm, `${name}: `))) as never;
  return new Context(env, new Output({ stdout: out.stdout, stderr }, env, out.isJson), signal);
}
