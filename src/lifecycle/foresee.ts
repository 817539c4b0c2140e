import { AutopodError } from '../errors.ts';
import type { Pod } from '../services/runpod/client.ts';
import { observePod } from '../services/runpod/pod-state.ts';
import { podOfOtherKey, takesOthersOnly } from './adopt.ts';
import {
  type ChooseContext,
  calledIn,
  hasBegun,
  launchesMeant,
  notChosen,
  readableRecords,
  theOneMeant,
  unrecordedLaunch,
} from './choose.ts';
import type { PodRecord } from './pod-records.ts';

/** What `up` would be about. */
export type Foreseen =
  | { kind: 'create' }
  /** A launch whose pod RunPod may have made. */
  | { kind: 'continue'; name: string; record: PodRecord }
  | { kind: 'use'; pod: Pod; record: PodRecord | undefined };

/** What `chooseLaunch` or, of a pod that is named, `chooseNamed` would come to; keeps nothing and drops nothing. */
export async function foresee(
  context: ChooseContext,
  named: string | undefined,
  signal: AbortSignal,
): Promise<Foreseen> {
  const records = await readableRecords(context.pods);
  return named === undefined
    ? foreseeLaunch(context, records, signal)
    : foreseeNamed(context, records, named, signal);
}

async function foreseeLaunch(
  context: ChooseContext,
  records: [string, PodRecord][],
  signal: AbortSignal,
): Promise<Foreseen> {
  const candidates = launchesMeant(records);
  const [only] = candidates;
  if (candidates.length > 1) {
    const left = await withoutGone(context, candidates, signal);
    if (left.length === candidates.length) throw notChosen(candidates.map(calledIn));
    const gone = candidates.filter((one) => !left.includes(one));
    return foreseeLaunch(
      context,
      records.filter((one) => !gone.includes(one)),
      signal,
    );
  }
  if (only) return foreseeRecord(context, only[1], signal);
  const pod = await unrecordedLaunch(context, signal);
  return pod ? { kind: 'use', pod, record: undefined } : { kind: 'create' };
}

async function foreseeNamed(
  context: ChooseContext,
  records: [string, PodRecord][],
  named: string,
  signal: AbortSignal,
): Promise<Foreseen> {
  const meant = theOneMeant(records, named);
  if (meant) {
    const foreseen = await foreseeRecord(context, meant[1], signal);
    if (foreseen.kind === 'create' && meant[1].facts.podId !== null)
      throw new AutopodError('podGone', { podId: meant[1].facts.podId });
    return foreseen;
  }
  const listed = await context.runpod.listPods(signal);
  const pods = listed.filter(({ id, name }) => id === named || name === named);
  if (pods.length > 1) throw notChosen(pods.map(({ id }) => id));
  const pod = pods[0] ?? (await context.runpod.getPod(named, signal));
  if (await takesOthersOnly(context, pod)) throw podOfOtherKey([pod]);
  return { kind: 'use', pod, record: undefined };
}

async function foreseeRecord(
  context: ChooseContext,
  record: PodRecord,
  signal: AbortSignal,
): Promise<Foreseen> {
  const { podId, wish } = record.facts;
  if (podId === null)
    return hasBegun(record) ? { kind: 'continue', name: wish.name, record } : { kind: 'create' };
  const pod = await thePod(context, podId, signal);
  return pod ? { kind: 'use', pod, record } : { kind: 'create' };
}

async function withoutGone(
  context: ChooseContext,
  records: [string, PodRecord][],
  signal: AbortSignal,
): Promise<[string, PodRecord][]> {
  const left: [string, PodRecord][] = [];
  for (const one of records) {
    const { podId } = one[1].facts;
    if (podId === null || (await thePod(context, podId, signal))) left.push(one);
  }
  return left;
}

async function thePod(
  { runpod }: ChooseContext,
  podId: string,
  signal: AbortSignal,
): Promise<Pod | undefined> {
  try {
    const pod = await runpod.getPod(podId, signal);
    return observePod(pod).condition === 'gone' ? undefined : pod;
  } catch (error) {
    if (error instanceof AutopodError && error.code === 'podNotFound') return undefined;
    throw error;
  }
}
