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

/** What this machine sees of the pod's use. */
export interface UseFromHere {
  /** Milliseconds for which nobody has used it through the tunnel. */
  unusedMs: number;
  /** A job of ours is at work there, or its files are on their way. */
  isAtWork: boolean;
}

/** Milliseconds after which what was refused is tried again. */
const RETRY_MS = 60_000;
/** Longest that a command waits for an outcome; after that it is told as on its way. */
const ARMING_MS = 15_000;

/** The guard of one pod as the keeper sees it: arms it, beats, and looks at how it stands. */
export class Guard {
  readonly #podId: string;
  readonly #options: GuardOptions;
  readonly #actor;
  #plan: GuardPlan | undefined;
  #told = '';
  #shell: PodShell | undefined;
  #state: GuardState = 'unarmed';
  #refusedAt = 0;

  constructor(podId: string, options: GuardOptions) {
    this.#podId = podId;
    this.#options = options;
    const machine = guardMachine.provide({
      actors: { armGuard: fromPromise(() => this.#arm()) },
    });
    this.#actor = createActor(machine, {
      input: { orders: { podId, seq: 0 } },
      inspect: (event) => this.#note(event),
    });
    this.#actor.start();
  }

  /** Looks once, over the pod's shell as it is now: arms what is not armed, and beats otherwise. */
  async look(plan: GuardPlan, shell: PodShell, { unusedMs, isAtWork }: UseFromHere): Promise<void> {
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
    const report = readReport((await shell.run(BEAT, beatScript(unusedMs, isAtWork))) ?? '');
    // A session that did not come through says nothing of the guard.
    if (!report || shell !== this.#shell) return;
    this.#options.onReport(report);
    this.#send({ type: 'guard.seen', seen: seenIn(report) });
  }

  /** Has what is in the pod end, for there is no plan any more. The answer is whether it has heard. */
  async drop(seq: number, volume: string | null, shell: PodShell): Promise<boolean> {
    const report = readReport((await shell.run(ARM, dropScript(seq, volume))) ?? '');
    if (!report) return false;
    this.#options.onReport(report);
    if (report.seq > seq) this.#options.log(`the guard of pod ${this.#podId} is left to another machine`);
    this.#told = '';
    this.#shell = undefined;
    this.#send({ type: 'plan.dropped' });
    return true;
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
    const said = this.#plan && (await this.#shell?.run(ARM, armScript(this.#plan)));
    const report = said === undefined ? undefined : readReport(said);
    if (!report) throw new Error("the pod's shell does not run it");
    this.#options.onReport(report);
    if (report.refused !== null) throw new Error(report.refused);
    if (report.state === 'off') throw new Error('another machine has called it off');
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
    this.#options.log(
      `guard of pod ${this.#podId}: ${from} → ${to}${context.why ? ` (${context.why})` : ''}`,
    );
    this.#options.onState({ event: eventName(event.event.type), from, to, why: context.why });
  }
}

function seenIn({ state, why }: GuardReport): GuardSeen {
  if (state === 'armed') return { state };
  if (state === 'due' || state === 'fired') return { state, why: why ?? '' };
  return { state: 'none' };
}
