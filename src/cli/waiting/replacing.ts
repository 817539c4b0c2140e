import { join } from 'node:path';
import { AutopodError, type Failure } from '../../errors.ts';
import { readableRecords } from '../../lifecycle/choose.ts';
import type { Outcome } from '../../lifecycle/drive.ts';
import { type PodRecordFacts, podRecord } from '../../lifecycle/pod-records.ts';
import { heldBy, plannedReplacement, reasonToReplace, successorOf } from '../../lifecycle/replacement.ts';
import { withLock } from '../../store/lock.ts';
import { confirm } from '../asking/ask.ts';
import { laterPodThan } from '../choosing/later-pod.ts';
import type { Context } from '../context.ts';
import { spentUntilNow } from '../money/spent.ts';
import { FAILURE_WORDS } from '../text/failures.ts';
import { replacementText } from '../text/replacement.ts';
import { candidateWords } from '../text.ts';
import { endReplaced } from './end-replaced.ts';
import { type ReachOptions, reach } from './reach.ts';

export interface ReplaceOptions {
  /** Takes another pod on the same volume where the host is full, without asking. */
  replace?: boolean;
  /** Ends a pod that can never work and takes the next candidate, without asking. */
  replaceBroken?: boolean;
}

/** Hosts one command tries one after the other; more of them have the same fault, which is then not theirs. */
const MOST_REPLACEMENTS = 3;

/**
 * Brings a pod to ComfyUI; where its host has no GPU for it any more, or can never run it, another pod takes its place if
 * the user agrees. The pod that was replaced is ended here.
 */
export async function reachReady(
  context: Context,
  recordId: string,
  options: ReachOptions & ReplaceOptions,
  changes: Partial<PodRecordFacts> = {},
): Promise<Outcome> {
  const { access } = changes;
  let current = recordId;
  for (let tried = 0; ; tried++) {
    // The plan of a pod is told, and heeded, with each record that takes it over.
    const outcome =
      tried === 0
        ? await reach(context, current, 'ready', options, changes)
        : await reach(context, current, 'ready', withoutPlan(options), access && { access });
    const told = await withCost(context, current, outcome);
    const next = tried < MOST_REPLACEMENTS ? await replacement(context, current, told, options) : undefined;
    if (next === undefined) {
      await endReplaced(context, current, outcome);
      return told;
    }
    current = next;
  }
}

function withoutPlan({ stopAfter: _stopAfter, idleStop: _idleStop, ...options }: ReachOptions): ReachOptions {
  return options;
}

/** The record that takes the place of this one, said where it is another; from then on all is about that. */
export async function goOnWithSuccessor(context: Context, recordId: string, podId: string): Promise<string> {
  const successor = successorOf(await readableRecords(await context.pods()), recordId);
  if (successor !== recordId) context.out.say(replacementText.underWay(podId));
  return successor;
}

async function withCost(context: Context, recordId: string, outcome: Outcome): Promise<Outcome> {
  const { failure, facts } = outcome;
  if (!failure || !facts?.podId || reasonToReplace(failure.code) !== 'broken') return outcome;
  const spent = await spentUntilNow(context, recordId, facts.podId);
  return { ...outcome, failure: { ...failure, detail: { ...failure.detail, spent: spent?.total ?? 0 } } };
}

/** The record of a launch in the place of the pod that failed; undefined where there is none, or nobody agreed. */
async function replacement(
  context: Context,
  recordId: string,
  { failure, facts, state }: Outcome,
  options: ReplaceOptions,
): Promise<string | undefined> {
  const reason = failure && reasonToReplace(failure.code);
  if (state !== 'failed' || !reason || !facts?.podId) return undefined;
  const { out, signal } = context;
  const isAgreed = reason === 'broken' ? options.replaceBroken : options.replace;
  if (!isAgreed && !canAsk(context)) return undefined;
  const pod = await (await context.runpod()).getPod(facts.podId, signal).catch(unlessFailed);
  // Where RunPod itself has put another pod in its place, that one is offered.
  if (!pod || (await laterPodThan(context, { recordId, podId: pod.id }))) return undefined;
  const held = heldBy(pod);
  if (held) {
    out.say(replacementText.notReplaced(pod.id, held));
    return undefined;
  }
  const { env } = await context.driving({ onState: () => undefined, tell: () => undefined });
  const planned = await plannedReplacement(env, { pod, reason, recordId, facts }, signal).catch(
    (error: unknown) => noneToBeHad(context, error),
  );
  if (!planned?.next) return undefined;
  const words = candidateWords(planned.next);
  sayWhy(context, failure);
  if (isAgreed) out.say(replacementText.taken(pod.id, reason, words));
  else if (!(await confirm(context, 'Replacing a pod', replacementText.question(pod.id, reason, words)))) {
    return undefined;
  }
  return keep(context, recordId, planned.facts);
}

/** Writes down what takes the place of what, before anything is asked of RunPod (I1). Of two commands the first one does. */
async function keep(context: Context, recordId: string, facts: PodRecordFacts): Promise<string> {
  const pods = await context.pods();
  return withLock(join(context.home().locks, 'launch'), { signal: context.signal }, async () => {
    const successor = successorOf(await readableRecords(pods), recordId);
    if (successor !== recordId) return successor;
    await pods.update(facts.launchId, () => podRecord(facts, 'reconciling'));
    return facts.launchId;
  });
}

function canAsk({ out }: Context): boolean {
  return Boolean(process.stdin.isTTY && out.stderr.isTTY && !out.isJson);
}

function sayWhy({ out }: Context, { code, detail }: Failure): void {
  const { what, why } = FAILURE_WORDS[code](detail);
  out.say(what, 'bad');
  if (why) out.say(`  ${why}`);
}

function noneToBeHad({ out }: Context, error: unknown): undefined {
  unlessFailed(error);
  const { code, detail } = error as AutopodError;
  const { what, why } = FAILURE_WORDS[code](detail);
  out.say(replacementText.noneToBeHad([what, why].filter(Boolean).join(' ')));
}

/** A failure that can be told is no reason to tell it in place of the one at hand. */
function unlessFailed(error: unknown): undefined {
  if (!(error instanceof AutopodError)) throw error;
}
