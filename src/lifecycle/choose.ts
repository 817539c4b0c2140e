import { AutopodError } from '../errors.ts';
import type { AccessWish, PodWish } from '../machines/pod-types.ts';
import type { Pod, RunPod } from '../services/runpod/client.ts';
import { ownLaunches } from '../services/runpod/launches.ts';
import { LAUNCH_ID_ENV } from '../services/runpod/pod-request.ts';
import { observePod } from '../services/runpod/pod-state.ts';
import { leaseFolder } from '../store/home.ts';
import { lockHolder } from '../store/lock.ts';
import { dropGone, type GoneContext } from './gone.ts';
import {
  adoptedPod,
  type PodRecord,
  type PodRecordFacts,
  type PodStore,
  plannedLaunch,
  podRecord,
  readable,
  savedState,
} from './pod-records.ts';

export interface ChooseContext extends GoneContext {
  /** Throws when a pod should better not be bought, before anything is kept. */
  beforeBuying?: () => Promise<void>;
}

/** How a command came to its pod, for telling the user. */
export interface Chosen {
  recordId: string;
  /** The pod's id, or the launch id as long as there is none. */
  podId: string;
  how: 'planned' | 'continued' | 'adopted';
}

interface Wishes {
  wish: PodWish;
  access: AccessWish;
}

/** Keeps a launch that has not begun: from here on it has an id, on disk, before any request (I1). */
export async function planLaunch({ pods, beforeBuying }: ChooseContext, wishes: Wishes): Promise<Chosen> {
  await beforeBuying?.();
  const facts = plannedLaunch(wishes.wish, wishes.access);
  await pods.update(facts.launchId, () => podRecord(facts, 'reconciling'));
  return { recordId: facts.launchId, podId: facts.launchId, how: 'planned' };
}

/**
 * The pod `up` is about when none is named: the one launch there is, else the one pod of ours at RunPod (I3),
 * else a planned launch. Throws `podNotChosen` rather than guess. The caller holds the launch lock.
 */
export async function chooseLaunch(
  context: ChooseContext,
  wishes: Wishes,
  signal: AbortSignal,
): Promise<Chosen> {
  const records = await readableRecords(context.pods);
  const begun = records.filter(([, record]) => hasBegun(record));
  const unfinished = begun.filter(
    ([, record]) => !['ready', 'stopped', 'failed'].includes(savedState(record)),
  );
  const candidates = [unfinished, begun, records].find(({ length }) => length === 1) ?? begun;
  if (candidates.length > 1) {
    const left = await dropGone(context, candidates, signal);
    if (left.length < candidates.length) return chooseLaunch(context, wishes, signal);
    throw notChosen(candidates.map(([id, record]) => record.facts.podId ?? id));
  }
  const only = candidates[0];
  if (only) return continueLaunch(context, only, wishes);
  const found = await ownLaunches(context.runpod, signal);
  if (found.length > 1) throw notChosen(found.map((pod) => pod.id));
  const pod = found[0];
  return pod ? adopt(context, pod, wishes) : planLaunch(context, wishes);
}

// As long as nothing was asked of RunPod, the latest options hold.
async function continueLaunch(
  { home, pods, beforeBuying }: ChooseContext,
  [recordId, record]: [string, PodRecord],
  wishes: Wishes,
): Promise<Chosen> {
  if (hasBegun(record) || (await lockHolder(leaseFolder(home, recordId))))
    return continued([recordId, record]);
  await beforeBuying?.();
  await pods.update(recordId, (saved) => saved && { ...saved, facts: { ...saved.facts, ...wishes } });
  return { recordId, podId: recordId, how: 'planned' };
}

/** The record of a pod the user named by id, launch id or name; made when only RunPod knows the pod. */
export async function chooseNamed(
  context: ChooseContext,
  named: string,
  wishes: Wishes,
  signal: AbortSignal,
): Promise<Chosen> {
  const meant = theOneMeant(await readableRecords(context.pods), named);
  if (meant) return continued(meant);
  const pod = await findAtRunPod(context.runpod, named, signal);
  return adopt(context, pod, wishes);
}

/** The records a user may mean: the one with this pod id or launch id, else each with this name. */
export function meantBy(records: [string, PodRecord][], named: string): [string, PodRecord][] {
  const byId = records.filter(([id, { facts }]) => facts.podId === named || id === named);
  return byId.length > 0 ? byId : records.filter(([, { facts }]) => facts.wish.name === named);
}

/** The record a user means, if there is one. Throws `podNotChosen` where several have this name. */
export function theOneMeant(records: [string, PodRecord][], named: string): [string, PodRecord] | undefined {
  const meant = meantBy(records, named);
  if (meant.length > 1) throw notChosen(meant.map(([id, { facts }]) => facts.podId ?? id));
  return meant[0];
}

/** The pod a command is about when none is named: the only one there is, anywhere (I12). */
export async function chooseOnly(
  context: ChooseContext,
  wishes: Wishes,
  signal: AbortSignal,
): Promise<Chosen> {
  const records = await readableRecords(context.pods);
  const listed = await context.runpod.listPods(signal);
  const known = new Set(records.map(([, { facts }]) => facts.podId));
  const unknown = listed.filter((pod) => observePod(pod).condition !== 'gone' && !known.has(pod.id));
  const isListed = ({ facts }: PodRecord) => listed.some(({ id }) => id === facts.podId);
  const begun = [
    ...records.filter(([, record]) => isListed(record)),
    ...(await dropGone(
      context,
      records.filter(([, record]) => hasBegun(record) && !isListed(record)),
      signal,
    )),
  ];
  const names = [...begun.map(([id, { facts }]) => facts.podId ?? id), ...unknown.map((pod) => pod.id)];
  if (names.length > 1) throw notChosen(names);
  if (begun[0]) return continued(begun[0]);
  if (unknown[0]) return adopt(context, unknown[0], wishes);
  throw new AutopodError('podNotFound', {});
}

/** Whether RunPod may have a pod for this record. */
export function hasBegun({ facts }: PodRecord): boolean {
  return facts.podId !== null || facts.isCreateOpen;
}

async function adopt({ pods }: ChooseContext, pod: Pod, { wish, access }: Wishes): Promise<Chosen> {
  const launchId = pod.env?.[LAUNCH_ID_ENV];
  const seen = observePod(pod);
  const facts: PodRecordFacts = adoptedPod(
    { podId: pod.id, launchId },
    { ...wish, name: pod.name, gpuCount: seen.gpuCount },
    access,
  );
  const recordId = launchId ?? pod.id;
  await pods.update(recordId, (saved) => saved ?? podRecord(facts, 'reconciling'));
  return { recordId, podId: pod.id, how: 'adopted' };
}

async function findAtRunPod(runpod: RunPod, named: string, signal: AbortSignal): Promise<Pod> {
  const listed = (await runpod.listPods(signal)).filter((pod) => observePod(pod).condition !== 'gone');
  const matches = listed.filter((pod) => pod.id === named || pod.name === named);
  if (matches.length > 1) throw notChosen(matches.map((pod) => pod.id));
  // The list may lag; a pod asked for by its id is looked up as well.
  return matches[0] ?? runpod.getPod(named, signal);
}

/** Every record, or `stateNewer` for the first one a later autopod wrote (I14). */
export async function readableRecords(pods: PodStore): Promise<[string, PodRecord][]> {
  return Object.entries(await pods.all()).map(([id, record]) => [id, readable(id, record)]);
}

function notChosen(pods: string[]): AutopodError {
  return new AutopodError('podNotChosen', { pods });
}

function continued([recordId, { facts }]: [string, PodRecord]): Chosen {
  return { recordId, podId: facts.podId ?? recordId, how: 'continued' };
}
