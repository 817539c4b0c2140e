import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError, type Failure } from '../errors.ts';
import { type Run, runHere } from '../host/local.ts';
import type { Saved, Step } from '../host/step.ts';
import { podMachine } from '../machines/pod.ts';
import { factsOf } from '../machines/pod-reading.ts';
import type { Goal, PodContext, PodEvent } from '../machines/pod-types.ts';
import { usualLocalPort } from '../services/usual-local-port.ts';
import type { Home } from '../store/home.ts';
import type { Journal } from '../store/journal.ts';
import type { Environment } from './environment.ts';
import { type Fence, fenced } from './fence.ts';
import {
  type Asked,
  type PodRecordFacts,
  type PodStore,
  podRecord,
  readable,
  waitingOf,
} from './pod-records.ts';
import { podWorks } from './pod-works.ts';

/** States in which a driven pod rests. */
const RESTING = ['ready', 'stopped', 'terminated', 'failed'] as const;
export type RestingState = (typeof RESTING)[number];

export interface Outcome {
  state: RestingState;
  /** Null when the record was gone before this run could begin. */
  facts: PodRecordFacts | null;
  failure: Failure | null;
  /** The pod it was about, also where that is gone by now; null where RunPod has made none. */
  podId: string | null;
  /** This run has seen the pod at RunPod. */
  hasSeenPod?: boolean;
}

export interface DriveContext {
  env: Environment;
  home: Home;
  pods: PodStore;
  journal: Journal;
  /** Told of each state as it is entered. */
  onState: (state: string, facts: PodRecordFacts) => void;
  /** Told of each step of a launch as it is taken. */
  inspect?: ((launchId: string, step: Step<PodContext>) => void) | undefined;
}

/**
 * Runs the pod's machine from what is saved until it rests. The caller holds the pod's lease, and `fence` throws once
 * it has been taken from it. An abort leaves the state on disk, and the next drive goes on from there.
 */
export async function drive(
  context: DriveContext,
  recordId: string,
  changes: Partial<PodRecordFacts>,
  fence: Fence,
  signal: AbortSignal,
): Promise<Outcome> {
  const record = (await context.pods.all())[recordId];
  if (!record) throw new Error(`no record ${recordId}`);
  const { access, ...lasting } = changes;
  const begun = (saved: PodRecordFacts): PodRecordFacts => ({ ...saved, ...lasting, asked: null });
  const saved = begun(readable(recordId, record).facts);
  await context.pods.update(recordId, (kept) => kept && { ...kept, facts: begun(kept.facts) });
  const facts = { ...saved, access: access ?? { keepTunnel: true, localPort: saved.access.localPort } };
  const keeping = new Keeping(context, recordId, facts, fence);
  const { env, created } = fenced(context.env, fence);
  signal.throwIfAborted();
  const run = runHere<PodContext>({
    machine: podMachine,
    input: { facts, readyBy: Date.now() + context.env.deadline.leftMs },
    works: podWorks(env),
    rests: ({ value }) => restingState(value) !== undefined,
    inspect: (step) => {
      keeping.note(step);
      context.inspect?.(recordId, step);
    },
    save: (saved) => keeping.save(saved),
    journal: (step) => keeping.journal(step),
  });
  const stopped = new AbortController();
  try {
    // A store that cannot be read stops the run's own saves, which tell.
    heedRequests(context.pods, recordId, run, fence, stopped.signal).catch(async (error) => {
      if (!isTakenOver(error)) return;
      await created();
      stopped.abort(error);
    });
    const { value } = await Promise.race([run.ended, aborted(AbortSignal.any([signal, stopped.signal]))]);
    const state = restingState(value) ?? 'failed';
    if (state === 'terminated') await keeping.forget();
    const { facts: kept, podId, hasSeenPod } = keeping;
    return { state, facts: kept, failure: kept.failure, podId, hasSeenPod };
  } catch (error) {
    if (isTakenOver(error)) await created();
    throw error;
  } finally {
    stopped.abort();
    await run.stop();
  }
}

function restingState(value: unknown): RestingState | undefined {
  return RESTING.find((name) => name === value);
}

function isTakenOver(error: unknown): boolean {
  return error instanceof AutopodError && error.code === 'podTakenOver';
}

/** Rejects with why it was aborted. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const tell = () => reject(signal.reason);
    if (signal.aborted) tell();
    else signal.addEventListener('abort', tell, { once: true });
  });
}

// Another command may ask this pod to stop while we drive it; it cannot take the lease, so it leaves word.
async function heedRequests(
  pods: PodStore,
  recordId: string,
  run: Run<PodContext>,
  fence: Fence,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await fence();
    const asked = (await pods.get(recordId))?.facts.asked;
    if (asked) {
      await pods.update(
        recordId,
        (record) => record && { ...record, facts: { ...record.facts, asked: null } },
      );
      run.send(eventFor(asked));
    }
    await sleep(400, undefined, { signal }).catch(() => undefined);
  }
}

function eventFor({ goal, bootToReplace }: Asked): PodEvent {
  if (goal === 'stopped') return { type: 'stop.requested' };
  if (goal === 'terminated') return { type: 'terminate.requested' };
  return bootToReplace === null
    ? { type: 'start.requested' }
    : { type: 'restart.requested', bootId: bootToReplace };
}

/** States that a pod is in only where RunPod has shown it. */
const OF_A_POD_THERE = ['starting', 'booting', 'startingComfyUI', 'ready', 'stopped'];

/** Keeps the record and the journal in step with one run. */
class Keeping {
  facts: PodRecordFacts;
  /** The last one it had: the machine forgets a pod that is gone. */
  podId: string | null;
  hasSeenPod = false;
  readonly #context: DriveContext;
  readonly #recordId: string;
  readonly #fence: Fence;

  constructor(context: DriveContext, recordId: string, facts: PodRecordFacts, fence: Fence) {
    this.#context = context;
    this.#recordId = recordId;
    this.#fence = fence;
    this.facts = facts;
    this.podId = facts.podId;
  }

  note({ saved: { context }, from, to }: Step<PodContext>): void {
    this.podId = context.podId ?? this.podId;
    this.hasSeenPod ||= OF_A_POD_THERE.includes(to);
    this.facts = { ...this.facts, ...structuredClone(factsOf(context)) };
    if (from !== to) this.#context.onState(to, this.facts);
  }

  /** What other processes write of the pod meanwhile is kept. */
  async save({ value, context }: Saved<PodContext>): Promise<void> {
    const { facts } = this;
    const record = podRecord(facts, value, waitingOf(value, context));
    const state = restingState(value);
    await this.#context.pods.update(this.#recordId, async (saved) => {
      await this.#fence();
      if (!saved) return record;
      const kept = { ...writtenByOthers(saved.facts), ...atRest(facts, saved.facts, state) };
      return { ...record, facts: { ...record.facts, ...kept } };
    });
  }

  async journal({ saved: { context }, event, from, to }: Step<PodContext>): Promise<void> {
    const entry = {
      at: new Date().toISOString(),
      machine: 'pod@1',
      id: this.#recordId,
      podId: this.podId ?? undefined,
      name: context.wish.name,
      event,
      from: from ?? 'saved',
      to,
      reason: context.failure?.code,
      detail: context.failure?.detail,
    };
    await this.#fence();
    await this.#context.journal.append(entry);
  }

  /** A pod that has ended for good leaves nothing. */
  async forget(): Promise<void> {
    const { home, pods } = this.#context;
    await pods.update(this.#recordId, () => undefined);
    if (this.facts.podId) await rm(join(home.knownHosts, this.facts.podId), { force: true });
  }
}

/** What a pod at rest does not need any more. */
function atRest(
  facts: PodRecordFacts,
  saved: PodRecordFacts,
  state: RestingState | undefined,
): Partial<PodRecordFacts> {
  if (!state) return {};
  const isPlanOver = state === 'stopped' && { autoStop: null, overdue: null, bought: null };
  return { ...isPlanOver, ...accessToKeep(facts, saved, state) };
}

/** A port that served is the pod's from now on; one that was refused is nobody's wish any more. */
function accessToKeep(
  { access, failure }: PodRecordFacts,
  saved: PodRecordFacts,
  state: RestingState,
): Partial<PodRecordFacts> {
  const { keepTunnel, localPort } = access;
  if (state === 'ready' && keepTunnel) return { access: { keepTunnel, localPort } };
  const isRefused = failure?.code === 'localPortTaken' && saved.access.localPort === failure.detail.port;
  return isRefused ? { access: { keepTunnel: true, localPort: usualLocalPort() } } : {};
}

function writtenByOthers({
  access,
  asked,
  autoStop = null,
  overdue = null,
  guard = null,
  ledger = null,
  bought = null,
}: PodRecordFacts): Partial<PodRecordFacts> {
  return { access, asked, autoStop, overdue, guard, ledger, bought };
}

/** The drive of a pod towards a goal, as a follower asks for it. */
export function askFor(
  pods: PodStore,
  recordId: string,
  goal: Goal,
  bootToReplace: string | null,
): Promise<void> {
  const asked: Asked = { goal, bootToReplace };
  return pods.update(recordId, (record) => record && { ...record, facts: { ...record.facts, asked } });
}
