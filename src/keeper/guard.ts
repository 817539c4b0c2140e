import { createActor, fromPromise, type InspectionEvent, type SnapshotFrom, waitFor } from 'xstate';
import { steadyMs } from '../clock.ts';
import {
  ARM,
  armScript,
  BEAT,
  beatScript,
  dropScript,
  type GuardPlan,
  type GuardReport,
  readReport,
} from '../guard/orders.ts';
import { type GuardEvent, type GuardSeen, type GuardState, guardMachine } from '../machines/guard.ts';
import { eventName } from '../machines/names.ts';
import type { PodShell } from './pod-shell.ts';

export interface GuardOptions {
  log: (line: string) => void;
  /** Told of each change of state, in the order they come. */
  onState: (change: { event: string; from: GuardState; to: GuardState; why: string | null }) => void;
  /** Told of each report of the pod's. */
  onReport: (report: GuardReport) => void;
}

/** Milliseconds after which what was refused is tried again. */
const RETRY_MS = 60_000;
/** Longest that a command waits for an outcome; after that it is told as on its way. */
const ARMING_MS = 15_000;

/** The guard of one pod as the keeper sees it: arms it, beats, and looks at how it stands. */
export class Guard {
  readonly #options: GuardOptions;
  readonly #actor;
  #plan: GuardPlan;
  #told = '';
  #shell: PodShell | undefined;
  #state: GuardState = 'unarmed';
  #refusedAt = 0;

  constructor(plan: GuardPlan, options: GuardOptions) {
    this.#plan = plan;
    this.#options = options;
    const machine = guardMachine.provide({
      actors: { armGuard: fromPromise(() => this.#arm()) },
    });
    this.#actor = createActor(machine, {
      input: { orders: plan },
      inspect: (event) => this.#note(event),
    });
    this.#actor.start();
  }

  get state(): GuardState {
    return this.#state;
  }

  get why(): string | null {
    return this.#actor.getSnapshot().context.why;
  }

  /** Looks once, over the pod's shell as it is now: arms what is not armed, and beats otherwise. */
  async look(plan: GuardPlan, shell: PodShell, unusedMs: number): Promise<void> {
    const isRestart = this.#shell !== undefined && this.#shell.bootId !== shell.bootId;
    this.#shell = shell;
    const told = JSON.stringify(plan);
    const isChange = told !== this.#told;
    this.#plan = plan;
    this.#told = told;
    if (isChange) return this.#send({ type: 'plan.changed', orders: plan });
    if (isRestart) return this.#send({ type: 'pod.restarted' });
    if (this.#state === 'refused' && steadyMs() - this.#refusedAt >= RETRY_MS)
      return this.#send({ type: 'retry.requested' });
    if (!['armed', 'due', 'fired'].includes(this.#state)) return;
    const report = readReport((await shell.run(BEAT, beatScript(unusedMs))) ?? '');
    // A session that did not come through says nothing of the guard.
    if (!report || shell !== this.#shell) return;
    this.#options.onReport(report);
    this.#send({ type: 'guard.seen', seen: seenIn(report) });
  }

  /** Has the guard in the pod end: there is no plan any more. */
  async drop(shell: PodShell | undefined): Promise<void> {
    await shell?.run(ARM, dropScript(this.#plan.seq + 1));
    this.#send({ type: 'plan.dropped' });
    this.#actor.stop();
  }

  /** Resolves when it is armed, or is known not to be. */
  async settled(): Promise<void> {
    await waitFor(this.#actor, ({ value }) => value !== 'arming', { timeout: ARMING_MS }).catch(
      () => undefined,
    );
  }

  #send(event: GuardEvent): void {
    this.#actor.send(event);
  }

  async #arm(): Promise<GuardSeen> {
    const said = await this.#shell?.run(ARM, armScript(this.#plan));
    const report = said === undefined ? undefined : readReport(said);
    if (!report) throw new Error("the pod's shell does not run it");
    if (report.refused !== null) throw new Error(report.refused);
    this.#options.onReport(report);
    const seen = seenIn(report);
    if (seen.state === 'none') throw new Error('it does not begin');
    return seen;
  }

  #note(event: InspectionEvent): void {
    if (event.type !== '@xstate.snapshot' || event.actorRef !== this.#actor) return;
    const { value, context } = event.snapshot as SnapshotFrom<typeof guardMachine>;
    const [from, to] = [this.#state, value as GuardState];
    if (from === to) return;
    this.#state = to;
    if (to === 'refused') this.#refusedAt = steadyMs();
    const { podId } = this.#plan;
    this.#options.log(`guard of pod ${podId}: ${from} → ${to}${context.why ? ` (${context.why})` : ''}`);
    this.#options.onState({ event: eventName(event.event.type), from, to, why: context.why });
  }
}

function seenIn({ state, why }: GuardReport): GuardSeen {
  if (state === 'armed') return { state };
  if (state === 'due' || state === 'fired') return { state, why: why ?? '' };
  return { state: 'none' };
}
