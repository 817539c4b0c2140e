import { AutopodError } from '../../errors.ts';

/** Throws `usage` for what only a fleet has, where none is in force. */
export function requireNoPool({ pool, priority }: { pool?: string; priority?: number }): void {
  if (pool === undefined && priority === undefined) return;
  throw new AutopodError('usage', {
    message: `${pool === undefined ? '--priority' : '--pool'} is for a fleet, and this machine is logged in to none.`,
    next: 'Log in with an invitation: autopod login',
  });
}
