import { tunnelMachine } from '../machines/tunnel.ts';
import { definitionOf, introduction, type StatelyMessage, transition } from './stately.ts';
import type { Subject } from './subjects.ts';
import type { Looks } from './watch.ts';

export interface Telling {
  /** Whether a tunnel has gone on from the state that was told last: the journal has the transition soon. */
  isBehind(): boolean;
  end(): void;
}

/**
 * Tells the tunnels' transitions as messages of Stately's inspector. The keeper sends none; they are made from what
 * the page shows, so they come up to a look later and have the context of the look.
 */
export function tellTunnels(watch: Looks, tell: (message: StatelyMessage) => void): Telling {
  /** The state each introduced tunnel was last told to be in, and the one it is in. */
  const introduced = new Map<string, { told: string; state: string }>();
  const end = watch.listen(({ isWhole, entries, subjects }) => {
    const events = isWhole ? [] : entries.filter(({ machine }) => machine === tunnelMachine.id);
    for (const subject of subjects.filter(({ machine }) => machine === tunnelMachine.id)) {
      const own = events.filter(({ id }) => subject.id === `tunnel/${id}`);
      if (subject.isPast && own.length === 0) continue;
      const first = own[0]?.from ?? subject.state;
      if (!introduced.has(subject.id)) tell(firstOf(subject, first));
      const told = own.at(-1)?.to ?? introduced.get(subject.id)?.told ?? first;
      introduced.set(subject.id, { told, state: subject.state });
      for (const { at, event, to } of own) {
        const about = { sessionId: subject.id, at: Date.parse(at) };
        for (const message of transition(about, event, snapshot(subject, to))) tell(message);
      }
      if (told === 'stopped') introduced.delete(subject.id);
    }
  });
  return { end, isBehind: () => [...introduced.values()].some(({ told, state }) => told !== state) };
}

function firstOf(subject: Subject, state: string): StatelyMessage {
  const name = `${tunnelMachine.id} ${subject.podId ?? subject.title}`;
  const told = { name, definition: definitionOf(tunnelMachine), snapshot: snapshot(subject, state) };
  return introduction({ sessionId: subject.id, at: Date.now() }, told);
}

function snapshot({ facts }: Subject, state: string): object {
  return { status: state === 'stopped' ? 'done' : 'active', value: state, context: facts };
}
