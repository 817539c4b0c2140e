import { AutopodError } from '../errors.ts';
import type { Pod } from '../services/runpod/client.ts';
import { ownLaunches } from '../services/runpod/launches.ts';
import { observePod } from '../services/runpod/pod-state.ts';
import { leaseFolder } from '../store/home.ts';
import { lockHolder } from '../store/lock.ts';
import { type AdoptContext, adopt, podOfOtherKey, takesOthersOnly, type Wishes } from './adopt.ts';
import { dropGone, type GoneContext } from './gone.ts';
import {
  type PodRecord,
  type PodStore,
  plannedLaunch,
  podRecord,
  readable,
  savedState,
} from './pod-records.ts';
import { withoutReplaced } from './replacement.ts';

export interface ChooseContext extends GoneContext, AdoptContext {
  /** Throws when a pod should better not be bought, before anything is kept. */
  beforeBuying?: () => Promise<void>;
}

/** How a command came to its pod, for telling the user. */
export interface Chosen {
  recordId: string;
  /** Null as long as RunPod has made none. */
  podId: string | null;
  name: string;
  how: 'planned' | 'continued' | 'adopted';
}

/** Keeps a launch that has not begun: from here on it has an id, on disk, before any request (I1). */
export async function planLaunch({ pods, beforeBuying }: ChooseContext, wishes: Wishes): Promise<Chosen> {
  await beforeBuying?.();
  const facts = plannedLaunch(wishes.wish, wishes.access);
  await pods.update(facts.launchId, () => podRecord(facts, 'reconciling'));
  return { recordId: facts.launchId, podId: null, name: facts.wish.name, how: 'planned' };
}

/**
 * The pod `up` is about when none is named: the one launch there is, else the one pod of ours at RunPod (I3),
 * else a planned launch. Pods that take other machines' keys only are none of ours; but while there is nothing else,
 * `podOfOtherKey` is thrown rather than another pod bought beside them (decision 13). Throws `podNotChosen` rather than
 * guess. The caller holds the launch lock.
 */
export async function chooseLaunch(
  context: ChooseContext,
  wishes: Wishes,
  signal: AbortSignal,
): Promise<Chosen> {
  const candidates = launchesMeant(await readableRecords(context.pods));
  if (candidates.length > 1) {
    const left = await dropGone(context, candidates, signal);
    if (left.length < candidates.length) return chooseLaunch(context, wishes, signal);
    throw notChosen(candidates.map(calledIn));
  }
  const only = candidates[0];
  if (only) return continueLaunch(context, only, wishes);
  const found = await unrecordedLaunch(context, signal);
  return found ? adopted(context, found, wishes) : planLaunch(context, wishes);
}

/** The one pod of ours that no record tells of. Throws `podNotChosen`, and `podOfOtherKey` where there are only others'. */
export async function unrecordedLaunch(
  context: AdoptContext & Pick<ChooseContext, 'runpod'>,
  signal: AbortSignal,
): Promise<Pod | undefined> {
  const found = await Promise.all(
    (await ownLaunches(context.runpod, signal)).map(async (pod) => ({
      pod,
      isOthers: await takesOthersOnly(context, pod),
    })),
  );
  const ours = found.flatMap(({ pod, isOthers }) => (isOthers ? [] : [pod]));
  if (ours.length > 1) throw notChosen(ours.map((pod) => pod.id));
  if (!ours[0] && found.length > 0) throw podOfOtherKey(found.map(({ pod }) => pod));
  return ours[0];
}

/** Of the records, those that `up` may be about when none is named. */
export function launchesMeant(all: [string, PodRecord][]): [string, PodRecord][] {
  const records = withoutReplaced(all).filter(([, { facts }]) => !facts.isOthers);
  const begun = records.filter(([, record]) => hasBegun(record));
  const unfinished = begun.filter(
    ([, record]) => !['ready', 'stopped', 'failed'].includes(savedState(record)),
  );
  return [unfinished, begun, records].find(({ length }) => length === 1) ?? begun;
}

// As long as nothing was asked of RunPod, the latest options hold.
async function continueLaunch(
  { home, pods, beforeBuying }: ChooseContext,
  [recordId, record]: [string, PodRecord],
  wishes: Wishes,
): Promise<Chosen> {
  if (hasBegun(record) || record.facts.replaces || (await lockHolder(leaseFolder(home, recordId))))
    return continued([recordId, record]);
  await beforeBuying?.();
  await pods.update(recordId, (saved) => saved && { ...saved, facts: { ...saved.facts, ...wishes } });
  return { recordId, podId: null, name: wishes.wish.name, how: 'planned' };
}

/**
 * The record of a pod the user named by its id, its launch id or its name; made when only RunPod knows the pod. A name is
 * looked for among the records and at RunPod, and throws `podNotChosen` where several pods have it.
 */
export async function chooseNamed(
  context: ChooseContext,
  named: string,
  wishes: Wishes,
  signal: AbortSignal,
): Promise<Chosen> {
  const records = await readableRecords(context.pods);
  const byId = recordWithId(records, named);
  if (byId) return known(context, byId, wishes, signal);
  const listed = (await context.runpod.listPods(signal)).filter(isThere);
  const pod = listed.find(({ id }) => id === named);
  if (pod) return adopted(context, pod, wishes);
  const unknown = listed.filter(({ id, name }) => name === named && !hasRecord(records, id));
  const byName = meantBy(records, named);
  // Only where there is a choice does it matter that one may be gone.
  const there = byName.length + unknown.length > 1 ? await dropGone(context, byName, signal) : byName;
  const ids = [...there.map(calledIn), ...unknown.map(({ id }) => id)];
  if (ids.length > 1) throw notChosen(ids);
  if (there[0]) return known(context, there[0], wishes, signal);
  // The list may lag; a pod asked for by its id is looked up as well.
  return adopted(context, unknown[0] ?? (await context.runpod.getPod(named, signal)), wishes);
}

/** The records a user may mean: the one of the pod with this id, else of this launch, else each with this name. */
function meantBy(records: [string, PodRecord][], named: string): [string, PodRecord][] {
  const byId = recordWithId(records, named);
  // The pod that takes another's place has its name, too.
  return byId ? [byId] : withoutReplaced(records).filter(([, { facts }]) => facts.wish.name === named);
}

function recordWithId(records: [string, PodRecord][], named: string): [string, PodRecord] | undefined {
  return records.find(([, { facts }]) => facts.podId === named) ?? records.find(([id]) => id === named);
}

/** The record a user means, if there is one. Throws `podNotChosen` where several have this name. */
export function theOneMeant(records: [string, PodRecord][], named: string): [string, PodRecord] | undefined {
  const meant = meantBy(records, named);
  if (meant.length > 1) throw notChosen(meant.map(calledIn));
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
  const unknown = listed.filter((pod) => isThere(pod) && !hasRecord(records, pod.id));
  const isListed = ({ facts }: PodRecord) => listed.some(({ id }) => id === facts.podId);
  const begun = [
    ...records.filter(([, record]) => isListed(record)),
    ...(await dropGone(
      context,
      records.filter(([, record]) => hasBegun(record) && !isListed(record)),
      signal,
    )),
  ];
  const names = [...begun.map(calledIn), ...unknown.map((pod) => pod.id)];
  if (names.length > 1) throw notChosen(names);
  if (begun[0]) return known(context, begun[0], wishes, signal);
  if (unknown[0]) return adopted(context, unknown[0], wishes);
  throw new AutopodError('podNotFound', {});
}

/** Whether RunPod may have a pod for this record. */
export function hasBegun({ facts }: PodRecord): boolean {
  return facts.podId !== null || facts.isCreateOpen;
}

async function adopted(context: ChooseContext, pod: Pod, wishes: Wishes): Promise<Chosen> {
  return { recordId: await adopt(context, pod, wishes), podId: pod.id, name: pod.name, how: 'adopted' };
}

// A pod that did not take our key may do so by now: the key may be another one.
async function known(
  context: ChooseContext,
  [recordId, record]: [string, PodRecord],
  wishes: Wishes,
  signal: AbortSignal,
): Promise<Chosen> {
  const { podId, isOthers } = record.facts;
  if (isOthers && podId !== null && context.needsKey) {
    await adopt(context, await context.runpod.getPod(podId, signal), wishes);
  }
  return continued([recordId, record]);
}

function isThere(pod: Pod): boolean {
  return observePod(pod).condition !== 'gone';
}

function hasRecord(records: [string, PodRecord][], podId: string): boolean {
  return records.some(([, { facts }]) => facts.podId === podId);
}

/** Every record, or `stateNewer` for the first one a later autopod wrote (I14). */
export async function readableRecords(pods: PodStore): Promise<[string, PodRecord][]> {
  return Object.entries(await pods.all()).map(([id, record]) => [id, readable(id, record)]);
}

/** What the user may name it by: the pod's id; the name of a launch that has none. */
export function calledIn([, { facts }]: [string, PodRecord]): string {
  return facts.podId ?? facts.wish.name;
}

export function notChosen(pods: string[]): AutopodError {
  return new AutopodError('podNotChosen', { pods });
}

function continued([recordId, { facts }]: [string, PodRecord]): Chosen {
  return { recordId, podId: facts.podId, name: facts.wish.name, how: 'continued' };
}
