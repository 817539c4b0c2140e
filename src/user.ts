import { homedir, userInfo } from 'node:os';
import { AutopodError } from './errors.ts';

/** Numeric id of the user, which there is without an entry in the system's list; -1 where there are none. */
export function userId(): number {
  return process.getuid?.() ?? -1;
}

/** `HOME`, or what the system's list of users says. Throws `homelessUser` when neither tells. */
export function userHome(env: NodeJS.ProcessEnv = process.env): string {
  if (env.HOME) return env.HOME;
  try {
    return homedir();
  } catch {
    throw new AutopodError('homelessUser', { uid: userId() });
  }
}

/** ssh and ssh-keygen end at once for a user id without an entry. Throws `userUnknown`. */
export function requireKnownUser(): void {
  try {
    userInfo();
  } catch {
    throw new AutopodError('userUnknown', { uid: userId(), gid: process.getgid?.() ?? 0 });
  }
}
