import { setTimeout as sleep } from 'node:timers/promises';
import { toFailure } from '../../errors.ts';
import type { BatchFacts, Then } from '../../machines/job-types.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import type { JobStore } from '../../store/jobs.ts';
import { choosePodOrLaunch } from '../choosing/pod-argument.ts';
import type { Context } from '../context.ts';
import { runText } from '../text/run.ts';
import { reach } from '../waiting/reach.ts';

const LOOK_MS = 1_000;
/** How long RunPod has to end a pod, once nothing is left for it. */
const PATIENCE_MS = 3 * 60_000;

/**
 * Waits until RunPod shows what `--then` asked for (I16), and says it. The keeper asks for it; a pod whose files could not
 * be kept here stays. False where a pod still runs in the end.
 */
export async function podsEnded(context: Context, store: JobStore, batch: BatchFacts): Promise<boolean> {
  const { then, rented, batchId } = batch;
  if (then === 'keep' || rented.length === 0) return true;
  const { out, signal } = context;
  const until = performance.now() + PATIENCE_MS;
  const ended: string[] = [];
  out.say(runText.endingPods(rented, then, PATIENCE_MS / 1000));
  for (const podId of rented) {
    for (;;) {
      const record = await store.batchRecord(batchId);
      if (record?.isFinished && !record.endedPods?.includes(podId)) {
        out.say(runText.podKept(podId, batchId), 'bad');
        break;
      }
      if (await isEnded(context, podId, then)) {
        ended.push(podId);
        break;
      }
      if (performance.now() > until) {
        out.say(runText.podStillRuns(podId, then), 'bad');
        break;
      }
      await sleep(LOOK_MS, undefined, { signal });
    }
  }
  if (ended.length > 0) out.say(runText.podsEnded(ended, then), 'good');
  return ended.length === rented.length;
}

/**
 * Does what comes before a run's jobs are kept. Where that fails, the pods that were rented are ended as `--then` says,
 * for nothing will be left for them; after Ctrl-C, and where they are to be kept, it is said that they cost.
 */
export async function endingUnused<T>(
  context: Context,
  then: Then,
  rented: ReadonlySet<string>,
  work: () => Promise<T>,
): Promise<T> {
  const { out, signal } = context;
  try {
    return await work();
  } catch (error) {
    if (rented.size > 0 && (then === 'keep' || signal.aborted)) out.say(runText.podsLeft([...rented]));
    else for (const podId of rented) await endNow(context, podId, then);
    throw error;
  }
}

async function endNow(context: Context, podId: string, then: Then): Promise<void> {
  const { recordId } = await choosePodOrLaunch(context, podId);
  const { failure } = await reach(context, recordId, then === 'stop' ? 'stopped' : 'terminated', {});
  const isEnded = !failure || failure.code === 'podGone';
  if (isEnded) context.out.say(runText.podsEnded([podId], then === 'stop' ? 'stop' : 'kill'), 'good');
  else context.out.say(runText.podStillRuns(podId, then === 'stop' ? 'stop' : 'kill'), 'bad');
}

async function isEnded(context: Context, podId: string, then: 'stop' | 'kill'): Promise<boolean> {
  try {
    const { condition } = observePod(await (await context.runpod()).getPod(podId, context.signal));
    return condition === 'gone' || (then === 'stop' && condition === 'stopped');
  } catch (error) {
    context.signal.throwIfAborted();
    return toFailure(error).code === 'podNotFound';
  }
}
