import { readFileSync } from 'node:fs';

/**
 * Sends a signal to each of these processes and returns how many were still there: one may have ended meanwhile, also by the end of
 * another that was signalled before it.
 */
export function signal(pids: number | undefined | readonly number[], what: NodeJS.Signals): number {
  return [pids ?? []].flat().filter((pid) => pid > 0 && isSignalled(pid, what)).length;
}

function isSignalled(pid: number, what: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, what);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** What /proc tells of a process (Linux); empty once it has ended. */
export function procFile(pid: number | string, name: 'stat' | 'status' | 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}

/** A process's command line, in words; empty once it has ended. */
export function commandLine(pid: number): string {
  return procFile(pid, 'cmdline').replaceAll('\0', ' ');
}
