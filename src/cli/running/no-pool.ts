import { AutopodError } from '../../errors.ts';
import { inNoFleet } from '../text/log-in.ts';

/** Throws `usage` for what only a fleet has, where none is in force. */
export function requireNoPool({ pool, priority }: { pool?: string; priority?: number }): void {
  if (pool === undefined && priority === undefined) return;
  const option = pool === undefined ? '--priority' : '--pool';
  throw new AutopodError('usage', inNoFleet(`${option} is for a fleet`));
}
