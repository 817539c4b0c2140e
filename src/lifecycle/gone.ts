import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ageMs } from '../clock.ts';
import { AutopodError } from '../errors.ts';
import type { KeeperClient } from '../keeper/client.ts';
import type { RunPod } from '../services/runpod/client.ts';
import { observePod } from '../services/runpod/pod-state.ts';
import { type Home, leaseFolder } from '../store/home.ts';
import type { Journal } from '../store/journal.ts';
import { tryLock } from '../store/lock.ts';
import { type PodRecord, type PodStore, savedState } from './pod-records.ts';
import type { Timings } from './timings.ts';

export interface GoneContext {
  home: Home;
  pods: PodStore;
  journal: Journal;
  runpod: RunPod;
  keeper: KeeperClient;
  timings: Pick<Timings, 'lateInListMs'>;
  /** Told of each pod whose record was dropped. */
  onGone: (podId: string) => void;
}

/** States in which RunPod has shown the pod before, so that its not knowing it is no lateness. */
const SEEN: readonly string[] = ['startingComfyUI', 'ready', 'stopped'];

/**
 * Drops the records of pods that RunPod says are gone, and closes their tunnels; the answer is the others. A list may
 * lag, so each pod is asked for by its id (I13). One that somebody is at is left to them.
 */
export async function dropGone(
  context: GoneContext,
  records: [string, PodRecord][],
  signal: AbortSignal,
): Promise<[string, PodRecord][]> {
  const left: [string, PodRecord][] = [];
  for (const [recordId, record] of records) {
    const { podId } = record.facts;
    const isGone = podId !== null && !mayBeLate(context, record) && (await isUnknown(context, podId, signal));
    if (!isGone || !(await drop(context, recordId, record, signal))) left.push([recordId, record]);
  }
  return left;
}

/** RunPod may not know the pod yet: it is young, and was never seen to run. */
export function mayBeLate({ timings }: Pick<GoneContext, 'timings'>, record: PodRecord): boolean {
  return !SEEN.includes(savedState(record)) && ageMs(record.facts.launchedAt) < timings.lateInListMs;
}

async function isUnknown({ runpod }: GoneContext, podId: string, signal: AbortSignal): Promise<boolean> {
  try {
    return observePod(await runpod.getPod(podId, signal)).condition === 'gone';
  } catch (error) {
    // Where RunPod does not say, the record stays.
    if (error instanceof AutopodError) return error.code === 'podNotFound';
    throw error;
  }
}

async function drop(
  { home, pods, journal, keeper, onGone }: GoneContext,
  recordId: string,
  { facts: { podId, wish } }: PodRecord,
  signal: AbortSignal,
): Promise<boolean> {
  if (podId === null) return false;
  const lease = await tryLock(leaseFolder(home, recordId));
  if (!lease) return false;
  try {
    await keeper.close(podId, signal);
    await pods.update(recordId, () => undefined);
    const at = new Date().toISOString();
    const entry = {
      at,
      machine: 'pod@1',
      id: recordId,
      podId,
      name: wish.name,
      event: 'pod.gone',
      from: 'saved',
      to: 'terminated',
    };
    await journal.append({ ...entry, reason: 'podGone' });
    await rm(join(home.knownHosts, podId), { force: true });
    onGone(podId);
    return true;
  } finally {
    await lease.release();
  }
}
