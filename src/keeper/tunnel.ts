import { createActor, fromPromise, type InspectionEvent, type SnapshotFrom, waitFor } from 'xstate';
import { steadyMs, wallTime } from '../clock.ts';
import { eventName } from '../machines/names.ts';
import { type Generation, type TunnelState, type TunnelWish, tunnelMachine } from '../machines/tunnel.ts';
import type { Journal } from '../store/journal.ts';
import { TUNNEL_MACHINE, type TunnelFacts, type TunnelStore } from '../store/tunnels.ts';
import { awaitRetry } from './backoff.ts';
import type { TunnelView } from './client.ts';
import { ComfyProbe } from './comfy-probe.ts';
import { Forwarding, type ForwardingOptions } from './forwarding.ts';
import { Front } from './front.ts';
import { jobsThrough } from './jobs.ts';
import { tunnelRecord } from './kept-tunnels.ts';
import { workOn } from './other-work.ts';
import { type PodShell, shellThrough } from './pod-shell.ts';
import { awaitPod } from './pod-watch.ts';
import { takePort } from './take-port.ts';
import { COMFY_DOWN, explanationOf, reasonOf } from './tunnel-words.ts';
import { Writes } from './writes.ts';

export interface TunnelOptions extends ForwardingOptions {
  store: TunnelStore;
  journal: Journal;
  apiUrl: string;
  log: (line: string) => void;
  /** Told of each change of state. */
  onState: () => void;
  /** Told once when the tunnel has stopped by itself: the pod is gone. */
  onStopped: () => void;
}

type Wished = Omit<TunnelWish, 'localPort'> & { localPort: number | 'auto' };

/** One tunnel at work: its machine, its local port, its ssh, and what is kept of it. */
export class Tunnel {
  readonly #options: TunnelOptions;
  readonly #forwarding: Forwarding;
  readonly #front: Front;
  readonly #probe: ComfyProbe;
  #wish: TunnelWish;
  #actor: ReturnType<Tunnel['createActor']> | undefined;
  #state: TunnelState = 'starting';
  #since = new Date();
  #startedAt: string;
  #lastHealedAt: string | undefined;
  #lastDeath: TunnelView['lastDeath'];
  readonly #writes: Writes;
  #awaitsPortUntil = Number.NEGATIVE_INFINITY;

  /** Takes the local port; connections are held until it has begun. Throws `localPortTaken`. */
  static async listen(wish: Wished, options: TunnelOptions, startedAt?: string): Promise<Tunnel> {
    const tunnel = new Tunnel({ ...wish, localPort: 0 }, options, startedAt);
    const localPort = await tunnel.#front.listen(wish.localPort);
    tunnel.#wish = { ...wish, localPort };
    return tunnel;
  }

  /** Takes the local port when it begins: where that stays taken the tunnel is `failed`, and still wanted. */
  static restore(wish: TunnelWish, options: TunnelOptions, facts: TunnelFacts): Tunnel {
    const tunnel = new Tunnel(wish, options, facts.started_at);
    tunnel.#awaitsPortUntil = steadyMs() + options.timings.portPatienceMs;
    tunnel.#lastHealedAt = facts.lastHealedAt ?? undefined;
    tunnel.#lastDeath = facts.lastDeath ?? undefined;
    const { generation, proof = 'none', watchedBy = 'session' } = facts;
    if (generation) tunnel.#forwarding.adopt(generation, { proof, watchedBy });
    return tunnel;
  }

  private constructor(wish: TunnelWish, options: TunnelOptions, startedAt = new Date().toISOString()) {
    this.#wish = wish;
    this.#options = options;
    this.#startedAt = startedAt;
    this.#writes = new Writes((error) => options.log(`cannot save: ${error.message}`));
    this.#forwarding = new Forwarding(options, {
      uses: (forward) => this.#front.uses(forward),
      flowedAt: (forward) => this.#front.flowedAt(forward),
      onForward: (forward) => {
        this.#front.way = forward;
      },
      onForwardFailed: (forward) => {
        if (this.#front.way === forward) this.#front.way = undefined;
      },
    });
    this.#front = new Front({
      holdMs: options.timings.holdMs,
      explain: (reason) => (reason === 'noWay' ? explanationOf(this.#state) : COMFY_DOWN),
    });
    this.#probe = new ComfyProbe(options.timings);
  }

  get wish(): TunnelWish {
    return this.#wish;
  }

  get apiUrl(): string {
    return this.#options.apiUrl;
  }

  get view(): TunnelView {
    const { podId, localPort, remotePort, neededBy } = this.#wish;
    const { generation, attempt, failure } = this.#context();
    const { bytesIn, bytesOut, lastActivityAt } = this.#front;
    const pid = generation && this.#forwarding.pidOf(generation);
    const { standbyPid, trouble } = this.#forwarding;
    const { answeredBy } = this.#probe;
    const isReaching = this.#state === 'starting' || this.#state === 'recreating';
    return {
      podId,
      state: this.#state,
      since: this.#since.toISOString(),
      localPort,
      remotePort,
      ...(generation && { address: generation.address }),
      ...(pid && { sshPid: pid }),
      ...(standbyPid && { standbyPid }),
      ...(generation && { controlPath: this.#forwarding.filesOf(generation).control }),
      ...(generation && this.#forwarding.standingOf(generation)),
      comfy: this.#state === 'healthy' ? this.#probe.verdict : 'unknown',
      ...(this.#state === 'healthy' && answeredBy !== undefined && { answeredBy }),
      bytesIn,
      bytesOut,
      ...(lastActivityAt !== undefined && { lastActivityAt: wallTime(lastActivityAt) }),
      startedAt: this.#startedAt,
      ...(this.#lastHealedAt !== undefined && { lastHealedAt: this.#lastHealedAt }),
      ...(attempt > 0 && { attempt }),
      ...(failure && { failure }),
      ...(isReaching && trouble && { trouble }),
      ...(this.#lastDeath && { lastDeath: this.#lastDeath }),
      isTemporary: neededBy !== null,
    };
  }

  /** Starts the machine, with the ssh an earlier keeper left if there is one. Resolves when the wish is on disk. */
  async begin(generation: Generation | null): Promise<void> {
    const actor = this.createActor(generation);
    this.#actor = actor;
    actor.subscribe((snapshot) => this.#follow(snapshot));
    actor.start();
    await this.save();
  }

  /** Whether it has its local port. */
  get isListening(): boolean {
    return this.#front.isListening;
  }

  /** What ssh needs, as it is now, and who needs the tunnel: one that stays is not made temporary by who needs it for a while. */
  async renew(needs: Pick<TunnelWish, 'keyPath' | 'needsAgent' | 'agentSocket' | 'neededBy'>): Promise<void> {
    const neededBy = this.#wish.neededBy && needs.neededBy;
    this.#wish = { ...this.#wish, ...needs, neededBy };
    await this.save();
  }

  /** When the last byte of a client's came or went, by `steadyMs()`. */
  get lastActivityAt(): number | undefined {
    return this.#front.lastActivityAt;
  }

  /** Jobs of the pod's ComfyUI, running and waiting; undefined when it does not say. */
  async jobs(): Promise<number | undefined> {
    const { way } = this.#front;
    return way === undefined ? undefined : jobsThrough(way);
  }

  /** What the pod is at besides ComfyUI's jobs, in words; null for nothing, undefined where it does not say. */
  async otherWork(): Promise<string | null | undefined> {
    const { generation } = this.#context();
    return generation ? workOn(this.#forwarding.filesOf(generation).control) : undefined;
  }

  /** A way into the pod, while answers come through. */
  get shell(): PodShell | undefined {
    const { generation } = this.#context();
    if (this.#state !== 'healthy' || !generation) return undefined;
    return shellThrough(this.#forwarding.filesOf(generation).control, generation.address.bootId);
  }

  retry(): void {
    this.#actor?.send({ type: 'retry.requested' });
  }

  /** Ends ssh, closes the port and forgets the tunnel. */
  async stop(): Promise<void> {
    const actor = this.#actor;
    if (actor) {
      actor.send({ type: 'stop.requested' });
      await waitFor(actor, ({ status }) => status !== 'active');
    }
    await this.#forget();
  }

  /** Ends what runs and keeps what is wanted, for the next keeper. */
  async suspend(): Promise<void> {
    const { generation } = this.#context();
    this.#actor?.stop();
    this.#actor = undefined;
    this.#probe.stop();
    await this.#front.close();
    await this.#writes.done;
    await this.#forwarding.close(generation);
  }

  createActor(generation: Generation | null) {
    const { timings } = this.#options;
    const machine = tunnelMachine.provide({
      actors: {
        openForward: fromPromise(async ({ input, signal }) => {
          if (!this.#front.isListening)
            await takePort(this.#front, this.#wish.localPort, this.#awaitsPortUntil, signal);
          return this.#forwarding.open(this.#wish, input.suspect, signal);
        }),
        holdForward: fromPromise(async ({ input, signal }) => {
          await this.save();
          if (input.generation) await this.#forwarding.hold(() => this.#wish, input.generation, signal);
        }),
        awaitRetry: fromPromise(({ input, signal }) => awaitRetry(input.attempt, timings, signal)),
        awaitPod: fromPromise(({ input, signal }) => awaitPod(this.#options, input.podId, signal)),
        closeForward: fromPromise(({ input }) => this.#forwarding.close(input.generation)),
      },
    });
    return createActor(machine, {
      input: { wish: this.#wish, generation },
      inspect: (event) => this.#note(event),
    });
  }

  #context() {
    return this.#actor?.getSnapshot().context ?? { generation: null, attempt: 0, failure: null };
  }

  // What connections are told and joined to follows from the state.
  #follow({ value, context, status }: SnapshotFrom<typeof tunnelMachine>): void {
    const way =
      value === 'healthy' && context.generation
        ? this.#forwarding.filesOf(context.generation).forward
        : undefined;
    this.#front.way = way;
    this.#front.isAwaited = value !== 'waitingForPod';
    this.#probe.follow(way);
    if (status === 'done' && context.failure) {
      void this.#forget().then(() => this.#options.onStopped());
    }
  }

  #note(event: InspectionEvent): void {
    if (event.type !== '@xstate.snapshot' || event.actorRef !== this.#actor) return;
    const { value, context } = event.snapshot as SnapshotFrom<typeof tunnelMachine>;
    const to = value as TunnelState;
    if (to === this.#state) return;
    const now = new Date();
    if (to === 'healthy' && this.#lastDeath) this.#lastHealedAt = now.toISOString();
    if (to === 'dead' && this.#state === 'healthy' && context.failure) {
      this.#lastDeath = { at: now.toISOString(), failure: context.failure };
    }
    const reason = to === 'starting' ? `localhost:${this.#wish.localPort}` : reasonOf(context);
    const { podId } = this.#wish;
    const entry = { at: now.toISOString(), machine: TUNNEL_MACHINE, id: podId, from: this.#state, to };
    this.#options.log(`tunnel ${podId}: ${this.#state} → ${to}${reason ? ` (${reason})` : ''}`);
    this.#state = to;
    this.#since = now;
    this.#writes.add(() =>
      this.#options.journal.append({ ...entry, event: eventName(event.event.type), reason }),
    );
    if (to !== 'stopped' && to !== 'stopping') void this.save();
    this.#options.onState();
  }

  /** Keeps what is wanted and how it stands. A failure to is logged. */
  save(): Promise<void> {
    const { localPort, remotePort, ...wish } = this.#wish;
    const { generation, failure } = this.#context();
    const facts = {
      ...wish,
      apiUrl: this.#options.apiUrl,
      pid: (generation && this.#forwarding.pidOf(generation)) ?? null,
      local_port: localPort,
      remote_port: remotePort,
      started_at: this.#startedAt,
      generation,
      ...(generation && this.#forwarding.standingOf(generation)),
      failure,
      lastHealedAt: this.#lastHealedAt ?? null,
      lastDeath: this.#lastDeath ?? null,
    };
    const state = this.#state;
    return this.#writes.add(() => this.#options.store.update(wish.podId, () => tunnelRecord(facts, state)));
  }

  async #forget(): Promise<void> {
    this.#probe.stop();
    await this.#front.close();
    await this.#writes.add(() => this.#options.store.update(this.#wish.podId, () => undefined));
  }
}
