import type { FailureDetail } from '../../errors.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import type { Context } from '../context.ts';

/** Milliseconds RunPod has to say what runs, when somebody wants to leave. */
const LEAVING_MS = 3_000;

/** Commands that change what costs. */
const MOVING = new Set(['up', 'connect', 'start', 'restart', 'stop', 'kill', 'run']);

/** What an interrupted command leaves behind: a pod with its rate, a create whose answer is open, or nothing. */
export async function leftBehind(context: Context, command: string): Promise<FailureDetail> {
  const { resume, atWork, hasBegun } = context;
  if (atWork === undefined) return { resume, isUntouched: MOVING.has(command) && !hasBegun };
  const facts = (await (await context.pods()).get(atWork).catch(() => undefined))?.facts;
  if (!facts) return { resume };
  const { podId, isCreateOpen } = facts;
  if (podId === null) return { resume, isCreateOpen, isNothingCreated: !isCreateOpen };
  const limit = AbortSignal.timeout(LEAVING_MS);
  const pod = await (await context.runpod()).getPod(podId, limit).catch(() => undefined);
  if (!pod) return { resume, podId };
  return { resume, podId, status: pod.status, costPerHour: observePod(pod).costPerHour };
}
