import type { FailureCode } from '../../errors.ts';
import type { Chosen } from '../../lifecycle/choose.ts';
import type { Outcome } from '../../lifecycle/drive.ts';
import type { Pod } from '../../services/runpod/client.ts';
import { findLaunch, laterThan, launchIdOf } from '../../services/runpod/launches.ts';
import { confirm } from '../asking/ask.ts';
import type { Context } from '../context.ts';
import { text, usd } from '../text.ts';

/** A pod that was made after another one and carries its launch id: RunPod's migration of it, or a copy. */
export interface LaterPod {
  podId: string;
  /** RunPod's word. */
  status: string;
  costPerHour: number;
  /** The pod that was there before. */
  than: string;
}

/** Failures after which the pod that was asked for may not run again soon, so that a later one is worth offering. */
const STUCK: readonly FailureCode[] = [
  'apiRequestInvalid',
  'apiRequestRefused',
  'bootTimedOut',
  'gpuOutOfStock',
  'gpuUnusable',
  'hostFull',
  'placementRefused',
  'podActionRefused',
  'podBroken',
  'podGone',
  'podNotRunning',
  'podUnreachable',
  'podWithoutGpu',
];

/** The newest pod that was made after the chosen one with its launch id; undefined also where RunPod does not say. */
export async function laterPodThan(
  context: Context,
  chosen: Pick<Chosen, 'recordId' | 'podId'>,
): Promise<LaterPod | undefined> {
  const launchId = (await (await context.pods()).get(chosen.recordId))?.facts.launchId;
  if (launchId === undefined || chosen.podId === null) return undefined;
  return newest(context, chosen.podId, launchId);
}

/** Of the account's pods, each that has the launch id of an earlier one. */
export function laterPods(pods: Pod[]): LaterPod[] {
  const inOrder = pods.toSorted((a, b) => (a.createdAt ?? '').localeCompare(b.createdAt ?? ''));
  return inOrder.flatMap((pod, index) => {
    const launchId = launchIdOf(pod);
    const before = inOrder.slice(0, index).findLast((one) => launchIdOf(one) === launchId);
    return launchId !== undefined && before ? [laterPod(pod, before.id)] : [];
  });
}

/** Adds to a failure that leaves the chosen pod stuck which later pod could be used instead. */
export async function withLaterPod(
  context: Context,
  chosen: Pick<Chosen, 'podId'>,
  outcome: Outcome,
): Promise<Outcome> {
  const { failure, facts } = outcome;
  if (!failure || !facts || !STUCK.includes(failure.code)) return outcome;
  const podId = facts.podId ?? chosen.podId;
  const later = podId && (await newest(context, podId, facts.launchId));
  if (!later) return outcome;
  const detail = {
    ...failure.detail,
    laterPod: later.podId,
    laterStatus: later.status,
    laterRate: usd(later.costPerHour),
  };
  return { ...outcome, failure: { ...failure, detail } };
}

/** Whether to go on with the later pod that a failure names. Without a terminal nothing is asked, and the answer is no. */
export async function takesLaterPod(context: Context, { failure }: Outcome): Promise<string | undefined> {
  const { out } = context;
  const { laterPod: podId, laterStatus, laterRate } = failure?.detail ?? {};
  const canAsk = process.stdin.isTTY && out.stderr.isTTY && !out.isJson;
  if (typeof podId !== 'string' || !canAsk) return undefined;
  const question = text.laterQuestion(podId, String(laterStatus), String(laterRate));
  return (await confirm(context, 'Using another pod', question)) ? podId : undefined;
}

export function laterPodWords({ podId, than, status, costPerHour }: LaterPod): string {
  return text.laterPod(podId, than, status, usd(costPerHour));
}

async function newest(context: Context, podId: string, launchId: string): Promise<LaterPod | undefined> {
  const runpod = await context.runpod();
  const made = await findLaunch(runpod, launchId, context.signal).catch(() => []);
  context.signal.throwIfAborted();
  const [later] = laterThan(podId, made);
  return later && laterPod(later, podId);
}

function laterPod({ id, status, cost }: Pod, than: string): LaterPod {
  return { podId: id, status, costPerHour: cost ?? 0, than };
}
