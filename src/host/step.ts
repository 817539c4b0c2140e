import { type AnyStateMachine, type EventObject, initialTransition, transition } from 'xstate';
import { eventName, stateName } from '../machines/names.ts';

/** Where a machine is, in plain JSON. */
export interface Saved<Context> {
  value: unknown;
  context: Context;
}

/** Something a state has done while it lasts; its end is an event of the machine. */
export interface Work {
  /** Names it within the machine, and in the events of its end. */
  id: string;
  src: string;
  input: unknown;
}

/** What an event has led to. */
export interface Step<Context> {
  saved: Saved<Context>;
  /** Such as `begun` or `placePod.done`; as the journal has it. */
  event: string;
  /** Full names of the states; null before the first one. */
  from: string | null;
  to: string;
  /** Work that begins with it. What is named here again begins anew. */
  begun: Work[];
  /** Ids of all work of the state it led to; other work is to end. */
  atWork: string[];
  /** No event leads on from here. */
  isFinal: boolean;
}

/** The first step of a machine: it is where its facts say. */
export function begin<Context>(machine: AnyStateMachine, input: unknown): Step<Context> {
  const [snapshot, actions] = initialTransition(machine, structuredClone(input));
  return stepTo({ type: 'xstate.init' }, null, snapshot, actions);
}

/**
 * Where an event leads from what is saved. It depends on nothing else and changes nothing, so that any engine can take
 * the step, keep what it led to, and then begin its work.
 */
export function step<Context>(
  machine: AnyStateMachine,
  saved: Saved<Context>,
  event: EventObject,
): Step<Context> {
  const { value, context } = structuredClone(saved);
  const before = machine.resolveState({ value: value as string, context: context as object });
  const [snapshot, actions] = transition(machine, before, event);
  return stepTo(event, stateName(value), snapshot, actions);
}

/** The event with which a piece of work ends well. */
export function workDone(id: string, output: unknown): EventObject {
  return { type: `xstate.done.actor.${id}`, actorId: id, output } as EventObject;
}

/** The event with which it fails. */
export function workFailed(id: string, error: unknown): EventObject {
  return { type: `xstate.error.actor.${id}`, actorId: id, error } as EventObject;
}

interface Taken {
  value: unknown;
  context: unknown;
  status: string;
  _nodes: { invoke: { id: string }[] }[];
}

function stepTo<Context>(
  event: EventObject,
  from: string | null,
  snapshot: unknown,
  actions: { type: string; params?: unknown }[],
): Step<Context> {
  const { value, context, status, _nodes } = snapshot as Taken;
  return {
    saved: structuredClone({ value, context }) as Saved<Context>,
    event: eventName(event.type),
    from,
    to: stateName(value),
    begun: actions.filter(({ type }) => type === 'xstate.spawnChild').map(({ params }) => workOf(params)),
    atWork: _nodes.flatMap(({ invoke }) => invoke.map(({ id }) => id)),
    isFinal: status !== 'active',
  };
}

function workOf(params: unknown): Work {
  const { id, src, input } = params as Work;
  return { id, src, input: structuredClone(input) };
}
