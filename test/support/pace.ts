import { cpus, loadavg } from 'node:os';

/** How many times as long as on a quiet machine a command takes now that others use this one as well. */
export function pace(): number {
  return Math.max(1, (loadavg()[0] ?? 0) / cpus().length / 2);
}

/** A duration in which a command has to get somewhere: so many seconds on a quiet machine, as the command line takes it. */
export function paced(seconds: number): string {
  return `${Math.ceil(seconds * pace())}s`;
}
