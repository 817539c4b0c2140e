import type { Person, Role } from '../people/people.ts';
import type { Asked } from './http.ts';

/** One thing that can be asked of the gateway. */
export interface Route<Context> {
  /** Who may do it at least. */
  role: Role;
  run: (context: Context, asked: Asked & { person: Person; named: string; verb: string }) => Promise<unknown>;
}
