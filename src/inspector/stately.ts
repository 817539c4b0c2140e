import type { AnyStateMachine } from 'xstate';
import type { Step } from '../host/step.ts';
import { eventType } from '../machines/names.ts';
import { withoutSecrets } from './redact.ts';

/** Version of `@statelyai/inspect` whose messages these are. */
const PROTOCOL = '0.7.2';

export interface StatelyMessage {
  type: string;
  sessionId: string;
  rootId: string;
  /** Epoch milliseconds. */
  createdAt: string;
  id: null;
  _version: string;
  name?: string;
  parentId?: string;
  definition?: string;
  event?: { type: string };
  snapshot?: object;
}

/** Which actor a message is about, and since when it says so: epoch milliseconds. */
export interface About {
  sessionId: string;
  rootId?: string;
  at: number;
}

/** Tells of an actor for the first time. */
export function introduction(
  about: About,
  actor: { name: string; definition: string; parentId?: string; snapshot: object },
): StatelyMessage {
  return { ...common('@xstate.actor', about), ...actor };
}

/** Tells what an event, by its name in the journal, has led a machine to. */
export function transition(about: About, event: string, snapshot: object): StatelyMessage[] {
  const cause = { type: eventType(event) };
  return [
    { ...common('@xstate.event', about), event: cause },
    { ...common('@xstate.snapshot', about), event: cause, snapshot },
  ];
}

/** The machine's configuration as JSON, without its initial context. */
export function definitionOf({ config }: AnyStateMachine): string {
  return JSON.stringify(config, (name, value) => {
    if (name === 'context' || name === 'input' || name === 'output') return undefined;
    return typeof value === 'function' ? { type: value.name || 'inline' } : value;
  });
}

/** A session id as it is told: `session` tells this process's actors from those of others. */
export function within(session: string, sessionId: string): string {
  return `${session}/${sessionId}`;
}

interface ToldRun {
  sessionId: string;
  /** Session ids of the work that goes on, by its id. */
  working: Map<string, string>;
}

/**
 * The runs of one machine in this process, as messages of Stately's inspector: each is told with its context, without
 * secrets. Of its work only type and status are told: inputs and outputs may hold anything.
 */
export class StatelyRuns {
  readonly #machine: AnyStateMachine;
  readonly #session: string;
  readonly #secrets: readonly string[];
  readonly #runs = new Map<string, ToldRun>();
  #actors = 0;

  constructor(machine: AnyStateMachine, session: string, secrets: readonly string[]) {
    this.#machine = machine;
    this.#session = session;
    this.#secrets = secrets;
  }

  /** What a step of the run of `id` comes to; its first one begins a run. */
  told(id: string, step: Step<unknown>, at = Date.now()): StatelyMessage[] {
    const begun = step.from === null ? undefined : this.#runs.get(id);
    const run = begun ?? { sessionId: this.#nextId(), working: new Map() };
    this.#runs.set(id, run);
    const about = { sessionId: run.sessionId, at };
    const snapshot = this.#snapshotOf(step);
    const own = begun
      ? transition(about, step.event, snapshot)
      : [
          introduction(about, {
            name: `${this.#machine.id} ${id}`,
            definition: definitionOf(this.#machine),
            snapshot,
          }),
        ];
    return [...this.#ends(run, step, at), ...own, ...this.#begins(run, step, at)];
  }

  #ends({ sessionId: rootId, working }: ToldRun, { event, begun, atWork }: Step<unknown>, at: number) {
    const messages: StatelyMessage[] = [];
    for (const [id, sessionId] of working) {
      const how = HOW_WORK_ENDS.find(([ending]) => event === `${id}.${ending}`)?.[1];
      const isRenewed = begun.some((work) => work.id === id);
      if (!how && atWork.includes(id) && !isRenewed) continue;
      working.delete(id);
      const snapshot = { status: how ?? 'stopped' };
      messages.push({
        ...common('@xstate.snapshot', { sessionId, rootId, at }),
        event: { type: eventType(event) },
        snapshot,
      });
    }
    return messages;
  }

  #begins({ sessionId: rootId, working }: ToldRun, { begun }: Step<unknown>, at: number): StatelyMessage[] {
    return begun.map(({ id }) => {
      const sessionId = this.#nextId();
      working.set(id, sessionId);
      const definition = JSON.stringify({ id });
      return introduction(
        { sessionId, rootId, at },
        { name: id, definition, parentId: rootId, snapshot: { status: 'active' } },
      );
    });
  }

  #snapshotOf({ saved: { value, context }, isFinal }: Step<unknown>): object {
    return { status: isFinal ? 'done' : 'active', value, context: withoutSecrets(context, this.#secrets) };
  }

  #nextId(): string {
    this.#actors += 1;
    return within(this.#session, `x:${this.#actors}`);
  }
}

const HOW_WORK_ENDS = [
  ['done', 'done'],
  ['failed', 'error'],
] as const;

function common(type: string, { sessionId, rootId = sessionId, at }: About): StatelyMessage {
  return { type, sessionId, rootId, createdAt: String(at), id: null, _version: PROTOCOL };
}
