import { eventType } from '../machines/names.ts';
import { tunnelMachine } from '../machines/tunnel.ts';
import type { JournalEntry } from '../store/journal.ts';
import { definitionOf, PROTOCOL } from './stately.ts';
import type { Subject } from './subjects.ts';
import type { Looks } from './watch.ts';

export interface TunnelMessage {
  type: string;
  sessionId: string;
  rootId: string;
  /** Epoch milliseconds. */
  createdAt: string;
  id: null;
  _version: string;
  name?: string;
  definition?: string;
  event?: { type: string };
  snapshot?: object;
}

export interface Telling {
  /** Whether a tunnel has gone on from the state that was told last: the journal has the transition soon. */
  isBehind(): boolean;
  end(): void;
}

/**
 * Tells the tunnels' transitions as messages of Stately's inspector. The keeper sends none; they are made from what
 * the page shows, so they come up to a look later and have the context of the look.
 */
export function tellTunnels(watch: Looks, tell: (message: TunnelMessage) => void): Telling {
  /** The state each introduced tunnel was last told to be in, and the one it is in. */
  const introduced = new Map<string, { told: string; state: string }>();
  const end = watch.listen(({ isWhole, entries, subjects }) => {
    const events = isWhole ? [] : entries.filter(({ machine }) => machine === tunnelMachine.id);
    for (const subject of subjects.filter(({ machine }) => machine === tunnelMachine.id)) {
      const own = events.filter(({ id }) => subject.id === `tunnel/${id}`);
      if (subject.isPast && own.length === 0) continue;
      const first = own[0]?.from ?? subject.state;
      if (!introduced.has(subject.id)) tell(introduction(subject, first));
      const told = own.at(-1)?.to ?? introduced.get(subject.id)?.told ?? first;
      introduced.set(subject.id, { told, state: subject.state });
      for (const message of own.flatMap((entry) => transition(subject, entry))) tell(message);
      if (told === 'stopped') introduced.delete(subject.id);
    }
  });
  return { end, isBehind: () => [...introduced.values()].some(({ told, state }) => told !== state) };
}

function introduction(subject: Subject, state: string): TunnelMessage {
  return {
    ...common('@xstate.actor', subject.id, Date.now()),
    name: `${tunnelMachine.id} ${subject.podId ?? subject.title}`,
    definition: definitionOf(tunnelMachine),
    snapshot: snapshot(subject, state),
  };
}

function transition(subject: Subject, { at, event, to }: JournalEntry): TunnelMessage[] {
  const when = Date.parse(at);
  const cause = { type: eventType(event) };
  return [
    { ...common('@xstate.event', subject.id, when), event: cause },
    { ...common('@xstate.snapshot', subject.id, when), event: cause, snapshot: snapshot(subject, to) },
  ];
}

function snapshot({ facts }: Subject, state: string): object {
  return { status: state === 'stopped' ? 'done' : 'active', value: state, context: facts };
}

function common(type: string, sessionId: string, at: number): TunnelMessage {
  return { type, sessionId, rootId: sessionId, createdAt: String(at), id: null, _version: PROTOCOL };
}
