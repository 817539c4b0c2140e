import type { AnyActorRef, AnyStateMachine, InspectionEvent } from 'xstate';
import { withoutSecrets } from './redact.ts';

/** Version of `@statelyai/inspect` whose messages these are. */
export const PROTOCOL = '0.7.2';

export interface Sending {
  /** Tells this process's actors from those of others, which XState numbers the same. */
  session: string;
  /** Values that must never be sent, such as the API key. */
  secrets: readonly string[];
}

/**
 * What XState tells of an actor, as a message of Stately's inspector; undefined for what that does not show.
 * A machine is told with its context, without secrets. Of what a machine starts only type and status are told:
 * inputs and outputs may hold anything.
 */
export function statelyMessage(event: InspectionEvent, { session, secrets }: Sending): object | undefined {
  const actor = event.actorRef as AnyActorRef & { _parent?: AnyActorRef; logic?: AnyStateMachine };
  const common = {
    type: event.type,
    sessionId: within(session, actor.sessionId),
    rootId: within(session, event.rootId),
    createdAt: String(Date.now()),
    id: null,
    _version: PROTOCOL,
  };
  const isMachine = typeof actor.logic?.config === 'object';
  switch (event.type) {
    case '@xstate.actor':
      return {
        ...common,
        name: isMachine ? nameOf(actor) : actor.id,
        parentId: within(session, actor._parent?.sessionId),
        definition: isMachine
          ? definitionOf(actor.logic as AnyStateMachine)
          : JSON.stringify({ id: actor.id }),
        snapshot: snapshotOf(actor.getSnapshot(), isMachine, secrets),
      };
    case '@xstate.event':
      return {
        ...common,
        sourceId: within(session, (event.sourceRef as AnyActorRef | undefined)?.sessionId),
        event: eventOf(event.event, secrets),
      };
    case '@xstate.snapshot':
      return {
        ...common,
        event: eventOf(event.event, secrets),
        snapshot: snapshotOf(event.snapshot, isMachine, secrets),
      };
    default:
      return undefined;
  }
}

/** A session id as it is told. */
export function within<T extends string | undefined>(session: string, sessionId: T): T {
  return (sessionId === undefined ? undefined : `${session}/${sessionId}`) as T;
}

/** The machine's, and which pod it is about. */
function nameOf(actor: AnyActorRef & { logic?: AnyStateMachine }): string {
  const { launchId } = (actor.getSnapshot() as { context?: { launchId?: string } }).context ?? {};
  return [actor.logic?.id, launchId].filter(Boolean).join(' ');
}

/** The machine's configuration as JSON, without its initial context. */
export function definitionOf({ config }: AnyStateMachine): string {
  return JSON.stringify(config, (name, value) => {
    if (name === 'context' || name === 'input' || name === 'output') return undefined;
    return typeof value === 'function' ? { type: value.name || 'inline' } : value;
  });
}

function snapshotOf(snapshot: unknown, isMachine: boolean, secrets: readonly string[]): object {
  const { status, value, context } = snapshot as { status?: string; value?: unknown; context?: unknown };
  return isMachine ? { status, value, context: withoutSecrets(context, secrets) } : { status };
}

// What an actor has brought (`xstate.done.actor.…`) is in the context when it matters.
function eventOf(event: { type: string }, secrets: readonly string[]): object {
  return event.type.startsWith('xstate.') ? { type: event.type } : withoutSecrets(event, secrets);
}
