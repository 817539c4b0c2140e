import type { People, Person, Role } from '../people/people.ts';
import type { Asked } from './http.ts';
import type { Seen } from './seen.ts';
import type { Verbs } from './verbs.ts';
import type { Views } from './views.ts';

export interface RoutesContext {
  people: People;
  verbs: Verbs;
  seen: Seen;
  views: Views;
  log: (line: string) => void;
}

/** One thing that can be asked of the gateway. */
export interface Route<Context = RoutesContext> {
  /** Who may do it at least. */
  role: Role;
  run: (context: Context, asked: Asked & { person: Person; named: string; verb: string }) => Promise<unknown>;
}
