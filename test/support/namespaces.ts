import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** A pid namespace of its own, with its /proc, as a container has; it ends with its first process. */
export const IN_CONTAINER = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', '--'];

/** Whether this user may make namespaces here. */
export const canUnshare = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0;

/** Starts a program of ours in a container and waits for its first message. */
export async function startInContainer(file: string, args: string[]): Promise<ChildProcess> {
  const [command = '', ...words] = [...IN_CONTAINER, process.execPath, '--import', 'tsx', file, ...args];
  const child = spawn(command, words, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(child, 'message');
  return child;
}

/** Runs a program of ours behind other words, such as those of `unshare`, and answers what it prints. */
export function runBehind(words: string[], file: string, args: string[]): string {
  const [command = '', ...others] = [...words, process.execPath, '--import', 'tsx', file, ...args];
  return execFileSync(command, others, { encoding: 'utf8' });
}
