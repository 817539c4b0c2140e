/** What somebody who is in no fleet does next. */
export const LOG_IN = 'Log in with an invitation: autopod login';

/** That something is a fleet's, such as `--pool is for a fleet`, where none is in force. */
export function inNoFleet(what: string): { message: string; next: string } {
  return { message: `${what}, and this machine is logged in to none.`, next: LOG_IN };
}
