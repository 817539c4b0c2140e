import type { EventObject } from 'xstate';
import { AutopodError } from '../../errors.ts';
import { type PodRecord, type PodStore, savedState, unbegunFacts } from '../../lifecycle/pod-records.ts';
import { stateName } from '../../machines/names.ts';
import type { PodContext } from '../../machines/pod-types.ts';
import type { Pod } from '../../services/runpod/client.ts';
import { costSighting, observePod } from '../../services/runpod/pod-state.ts';
import type { Journal, JournalEntry } from '../../store/journal.ts';
import { bookRun, spentUntil } from '../../store/ledger.ts';
import { toldPlan } from '../../store/plans.ts';
import { callObject, type Places } from '../engine/ask.ts';
import type { Answer, Asker, AskRequest, BeginRequest, Standing } from '../engine/durable.ts';
import { mayDo, type Person } from '../people/people.ts';
import type { Fleet } from '../pods/fleet.ts';
import { POD_OBJECT } from '../pods/names.ts';
import { changePlan, hasPlan, type PlanContext } from '../policy/plans.ts';
import type { Askable, FleetPod, LaunchView, PlanRequest, UpAnswer, UpRequest } from '../wire.ts';
import type { Seen } from './seen.ts';

export interface VerbsContext extends PlanContext, Pick<Fleet, 'mayBeSpent'> {
  places: Places;
  pods: PodStore;
  journal: Journal;
  seen: Seen;
}

const MOST_ENTRIES = 1_000;

/** What members do with the pods of a fleet. Who may do it is decided before; whose a pod is, here. */
export class Verbs {
  readonly #context: VerbsContext;
  /** One `up` at a time decides which launch it is about. */
  #choosing: Promise<unknown> = Promise.resolve();

  constructor(context: VerbsContext) {
    this.#context = context;
  }

  async list(): Promise<FleetPod[]> {
    const records = Object.entries(await this.#context.pods.all());
    const listed = await this.#context.seen.list();
    return Promise.all(
      records.map(async ([launchId, record]) => {
        const { podId } = record.facts;
        // A list may lag.
        const pod =
          podId === null ? undefined : (listed.find(({ id }) => id === podId) ?? (await this.#pod(podId)));
        return this.#described(launchId, record, pod);
      }),
    );
  }

  async info(named: string): Promise<FleetPod> {
    const [launchId, record] = await this.#meant(named);
    const { podId } = record.facts;
    return this.#described(launchId, record, podId === null ? undefined : await this.#pod(podId));
  }

  /** How a launch stands, also one that has ended. */
  async launch(launchId: string): Promise<LaunchView> {
    const standing = await callObject<Standing<PodContext> | null>(
      this.#context.places,
      { object: POD_OBJECT, key: launchId, handler: 'read' },
      undefined,
    );
    if (!standing) throw new AutopodError('podNotFound', { podId: launchId });
    return viewOf(launchId, standing, await this.#ownerOf(launchId));
  }

  async up(person: Person, request: UpRequest): Promise<UpAnswer> {
    const chosen = this.#choosing.then(() => this.#up(person, request));
    this.#choosing = chosen.catch(() => undefined);
    const answer = await chosen;
    await this.plan(person, answer.launch.launchId, request);
    return answer;
  }

  /** Changes when a pod is stopped by itself. Changes nothing where nothing is said. */
  async plan(person: Person, named: string, request: PlanRequest): Promise<FleetPod | undefined> {
    if (!hasPlan(request)) return undefined;
    const [launchId, { facts }] = await this.#meant(named);
    await changePlan(this.#context, { launchId, facts, who: person.name, request });
    return this.info(launchId);
  }

  async ask(person: Person, named: string, verb: Askable, timeoutMs: number): Promise<LaunchView> {
    const [launchId, record] = await this.#meant(named);
    if (verb === 'kill') requireOwn(person, record);
    return this.#ask(launchId, await this.#eventOf(verb, record), askerOf(person, timeoutMs));
  }

  /** What happened, and who asked for it; of one pod where one is named, also of one long gone. */
  async history(named: string | undefined, tail: number): Promise<JournalEntry[]> {
    // The server's own tunnels, by which it proves that ComfyUI answers, are nobody's.
    const entries = (await this.#context.journal.read()).filter(({ machine }) => machine !== 'tunnel@1');
    const ids = entries.flatMap(({ id, podId, name }) => ([id, podId, name].includes(named) ? [id] : []));
    return entries
      .filter(({ id }) => named === undefined || ids.includes(id))
      .slice(-Math.min(tail, MOST_ENTRIES));
  }

  /** A pod of the fleet's as RunPod shows it. Throws `podNotFound` for any other pod of the account. */
  async podAtRunPod(podId: string): Promise<Pod> {
    const records = Object.values(await this.#context.pods.all());
    const pod = records.some(({ facts }) => facts.podId === podId) ? await this.#pod(podId) : undefined;
    if (!pod) throw new AutopodError('podNotFound', { podId });
    return pod;
  }

  /** All that the fleet has, as RunPod lists them. */
  async podsAtRunPod(): Promise<Pod[]> {
    const records = Object.values(await this.#context.pods.all());
    const known = new Set(records.map(({ facts }) => facts.podId));
    return (await this.#context.seen.list()).filter(({ id }) => known.has(id));
  }

  async #up(person: Person, { launchId, pod, isNew, wish, timeoutMs }: UpRequest): Promise<UpAnswer> {
    const asker = askerOf(person, timeoutMs);
    const records = await this.#context.pods.all();
    const known =
      pod === undefined ? this.#only(records, person, launchId, isNew) : (await this.#meant(pod))[0];
    if (known === launchId) return { launch: await this.launch(launchId), how: 'planned' };
    if (known !== undefined) {
      return { launch: await this.#ask(known, { type: 'start.requested' }, asker), how: 'continued' };
    }
    const namesake = Object.values(records).find(({ facts }) => facts.wish.name === wish.name);
    if (namesake) {
      throw new AutopodError('usage', {
        message: `A pod of the fleet is called “${wish.name}” already.`,
        next: 'Choose another --name.',
      });
    }
    // Nothing is begun that would only fail; what it costs is looked at once that is known.
    const refusal = await this.#context.mayBeSpent({ owner: person.name });
    if (refusal?.code === 'limitReached') throw new AutopodError(refusal.code, refusal.detail);
    const facts = unbegunFacts(launchId, wish, NO_TUNNEL);
    const request: BeginRequest = { input: { facts, readyBy: asker.until }, asker, isAwaited: true };
    const answer = await this.#call('begin', launchId, request);
    return { launch: viewOf(launchId, answer, person.name), how: 'planned' };
  }

  /** The launch that `up` goes on with when none is named. Throws `podNotChosen` rather than guess. */
  #only(
    records: Record<string, PodRecord>,
    { name }: Person,
    launchId: string,
    isNew: boolean,
  ): string | undefined {
    if (records[launchId]) return launchId;
    if (isNew) return undefined;
    const own = Object.entries(records).filter(([, { facts }]) => facts.owner === name);
    if (own.length > 1) {
      throw new AutopodError('podNotChosen', { pods: own.map(([id, { facts }]) => facts.podId ?? id) });
    }
    return own[0]?.[0];
  }

  async #eventOf(verb: Askable, { facts: { podId } }: PodRecord): Promise<EventObject> {
    if (verb === 'stop') return { type: 'stop.requested' };
    if (verb === 'kill') return { type: 'terminate.requested' };
    const pod = verb === 'restart' && podId !== null ? await this.#pod(podId) : undefined;
    const seen = pod && observePod(pod);
    return seen?.condition === 'running'
      ? ({ type: 'restart.requested', bootId: seen.bootId } as EventObject)
      : { type: 'start.requested' };
  }

  async #ask(launchId: string, event: EventObject, asker: Asker): Promise<LaunchView> {
    const owner = await this.#ownerOf(launchId);
    const request: AskRequest = { event, asker, isAwaited: true };
    return viewOf(launchId, await this.#call('ask', launchId, request), owner);
  }

  async #call(handler: 'begin' | 'ask', key: string, body: unknown): Promise<Standing<PodContext>> {
    const place = { object: POD_OBJECT, key, handler };
    const answer = await callObject<Answer<PodContext>>(this.#context.places, place, body);
    if ('failure' in answer) throw new AutopodError(answer.failure.code, answer.failure.detail);
    return answer.standing;
  }

  /** By the pod's id, the launch's, or a name. Throws `podNotFound` and `podNotChosen`. */
  async #meant(named: string): Promise<[string, PodRecord]> {
    const records = Object.entries(await this.#context.pods.all());
    const byId = records.find(([launchId, { facts }]) => facts.podId === named || launchId === named);
    const byName = records.filter(([, { facts }]) => facts.wish.name === named);
    if (!byId && byName.length > 1) {
      throw new AutopodError('podNotChosen', { pods: byName.map(([id, { facts }]) => facts.podId ?? id) });
    }
    const found = byId ?? byName[0];
    if (!found) throw new AutopodError('podNotFound', { podId: named });
    return found;
  }

  async #ownerOf(launchId: string): Promise<string> {
    return (await this.#context.pods.get(launchId))?.facts.owner ?? '';
  }

  #pod(podId: string): Promise<Pod | undefined> {
    return this.#context.seen.pod(podId);
  }

  async #described(launchId: string, record: PodRecord, pod: Pod | undefined): Promise<FleetPod> {
    const { facts } = record;
    const seen = pod && observePod(pod);
    if (seen) await bookRun(this.#context.pods, costSighting(seen), false);
    const sighting = seen
      ? costSighting(seen)
      : { podId: facts.podId ?? '', bootId: '', isRunning: false, spent: 0 };
    const spent = spentUntil(facts.ledger, sighting);
    return {
      launchId,
      podId: facts.podId,
      name: facts.wish.name,
      owner: facts.owner ?? '',
      state: savedState(record),
      failure: facts.failure,
      status: pod?.status ?? null,
      gpu: seen?.gpuName ?? null,
      gpuCount: seen?.gpuCount ?? facts.wish.gpuCount,
      dataCenterId: seen?.dataCenterId ?? facts.wish.dataCenterId ?? null,
      image: pod?.image ?? facts.wish.image,
      uptimeSeconds: seen?.uptimeSeconds ?? 0,
      costPerHour: seen?.costPerHour ?? 0,
      spent: spent.total,
      isSpentAtLeast: spent.isAtLeast,
      hasVolume: pod ? Object.values(pod.mounts ?? {}).some(Boolean) : null,
      ssh: seen?.ssh ?? null,
      stopAt: facts.stopAt ?? null,
      autoStop: toldPlan(facts, seen) ?? null,
    };
  }
}

function askerOf({ name }: Person, timeoutMs: number): Asker {
  return { who: name, until: Date.now() + timeoutMs };
}

/** What is lost with a pod is lost for good, so that it is its owner's to end, or an admin's. */
function requireOwn({ name, role }: Person, { facts: { owner, podId } }: PodRecord): void {
  if (owner === name || mayDo(role, 'admin')) return;
  throw new AutopodError('notAllowed', { podId: podId ?? undefined, owner, role, needed: 'admin' });
}

/** The tunnel is each member's own; the server proves readiness by one of its own, for as long as that takes. */
const NO_TUNNEL = { keepTunnel: false, localPort: 'auto' } as const;

function viewOf(launchId: string, { saved, halted }: Standing<PodContext>, owner: string): LaunchView {
  const { podId, wish, failure } = saved.context;
  return {
    launchId,
    podId,
    name: wish.name,
    owner,
    state: stateName(saved.value),
    failure: halted ?? failure,
  };
}
