import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AnyActorRef, createActor, type InspectionEvent } from 'xstate';
import { AutopodError, type Failure } from '../errors.ts';
import { eventName, stateName } from '../machines/names.ts';
import { factsOf } from '../machines/pod-reading.ts';
import type { Goal, PodContext, PodEvent } from '../machines/pod-types.ts';
import { usualLocalPort } from '../services/usual-local-port.ts';
import type { Home } from '../store/home.ts';
import type { Journal } from '../store/journal.ts';
import type { Environment } from './environment.ts';
import { type Fence, fenced } from './fence.ts';
import { providedPodMachine } from './pod-actors.ts';
import {
  type Asked,
  type PodRecordFacts,
  type PodStore,
  podRecord,
  readable,
  waitingOf,
} from './pod-records.ts';

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
  /** Told of all that XState tells of the machine and what it starts. */
  inspect?: ((event: InspectionEvent) => void) | undefined;
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
  const persistence = new Persistence(context, recordId, facts, fence);
  const { env, created } = fenced(context.env, fence);
  const actor = createActor(
    providedPodMachine(env, (root) => persistence.save(root)),
    {
      input: { facts, readyBy: Date.now() + context.env.deadline.leftMs },
      systemId: 'root',
      inspect: (event) => {
        persistence.note(event);
        context.inspect?.(event);
      },
    },
  );
  const stopped = new AbortController();
  try {
    const rested = untilResting(actor, AbortSignal.any([signal, stopped.signal]));
    actor.start();
    // A store that cannot be read stops the drive's own saves, which tell.
    heedRequests(context.pods, recordId, actor, fence, stopped.signal).catch(async (error) => {
      if (!(error instanceof AutopodError) || error.code !== 'podTakenOver') return;
      await created();
      stopped.abort(error);
    });
    const state = await rested;
    await persistence.finish(actor, state);
    const { facts: kept, podId, hasSeenPod } = persistence;
    return { state, facts: kept, failure: kept.failure, podId, hasSeenPod };
  } finally {
    stopped.abort();
    actor.stop();
    await persistence.settle();
  }
}

function untilResting(actor: AnyActorRef, signal: AbortSignal): Promise<RestingState> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    actor.subscribe({
      next: (snapshot) => {
        const state = RESTING.find((name) => name === snapshot.value);
        if (state) resolve(state);
      },
      error: reject,
    });
  });
}

// Another command may ask this pod to stop while we drive it; it cannot take the lease, so it leaves word.
async function heedRequests(
  pods: PodStore,
  recordId: string,
  actor: AnyActorRef,
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
      actor.send(eventFor(asked));
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

/** Keeps the record and the journal in step with one actor; writes go out one after the other. */
class Persistence {
  facts: PodRecordFacts;
  /** The last one it had: the machine forgets a pod that is gone. */
  podId: string | null;
  hasSeenPod = false;
  readonly #context: DriveContext;
  readonly #recordId: string;
  readonly #fence: Fence;
  #state = 'saved';
  #writes: Promise<void> = Promise.resolve();

  constructor(context: DriveContext, recordId: string, facts: PodRecordFacts, fence: Fence) {
    this.#context = context;
    this.#recordId = recordId;
    this.#fence = fence;
    this.facts = facts;
    this.podId = facts.podId;
  }

  /** What other processes write of the pod meanwhile is kept. */
  save(
    root: AnyActorRef,
    change: (saved: PodRecordFacts) => Partial<PodRecordFacts> = () => ({}),
  ): Promise<void> {
    const snapshot = root.getSnapshot() as { value: unknown; context: PodContext };
    this.facts = { ...this.facts, ...structuredClone(factsOf(snapshot.context)) };
    const waiting = waitingOf(snapshot.value, snapshot.context);
    const record = podRecord(this.facts, snapshot.value, waiting);
    return this.#enqueue(() =>
      this.#context.pods.update(this.#recordId, async (saved) => {
        await this.#fence();
        return {
          ...record,
          facts: saved
            ? { ...record.facts, ...writtenByOthers(saved.facts), ...change(saved.facts) }
            : record.facts,
        };
      }),
    );
  }

  note(event: InspectionEvent): void {
    if (event.type !== '@xstate.snapshot' || !isRoot(event)) return;
    const snapshot = event.snapshot as unknown as { value: unknown; context: PodContext };
    const to = stateName(snapshot.value);
    if (to === this.#state) return;
    this.podId = snapshot.context.podId ?? this.podId;
    const entry = {
      at: new Date().toISOString(),
      machine: 'pod@1',
      id: this.#recordId,
      podId: this.podId ?? undefined,
      name: snapshot.context.wish.name,
      event: eventName(event.event.type),
      from: this.#state,
      to,
      reason: snapshot.context.failure?.code,
      detail: snapshot.context.failure?.detail,
    };
    this.#state = to;
    this.hasSeenPod ||= OF_A_POD_THERE.includes(to);
    this.#context.onState(to, { ...this.facts, ...factsOf(snapshot.context) });
    this.#enqueue(async () => {
      await this.#fence();
      await this.#context.journal.append(entry);
    }).catch(() => undefined); // what is saved next tells
  }

  async finish(root: AnyActorRef, state: RestingState): Promise<void> {
    await this.save(root, (saved) => ({
      ...(state === 'stopped' && { autoStop: null, overdue: null, bought: null }),
      ...accessToKeep(this.facts, saved, state),
    }));
    if (state === 'terminated') {
      const { home, pods } = this.#context;
      await this.#enqueue(() => pods.update(this.#recordId, () => undefined));
      if (this.facts.podId) await rm(join(home.knownHosts, this.facts.podId), { force: true });
    }
  }

  async settle(): Promise<void> {
    await this.#writes.catch(() => undefined);
  }

  #enqueue(write: () => Promise<void>): Promise<void> {
    const written = this.#writes.then(write);
    this.#writes = written.catch(() => undefined);
    return written;
  }
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

function isRoot(event: InspectionEvent): boolean {
  return (event.actorRef as AnyActorRef).sessionId === event.rootId;
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
