import { execa } from 'execa';

/** Milliseconds for some hundred MB. */
const INSTALL_MS = 20 * 60_000;

/** Has npm put packages into a folder of their own, without running their install scripts. Undefined, or why that failed. */
export async function npmInstall(
  folder: string,
  packages: string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const flags = ['--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--save-exact'];
  const { failed, shortMessage, stderr } = await execa('npm', ['install', ...flags, ...packages], {
    reject: false,
    timeout: INSTALL_MS,
    cancelSignal: signal,
  });
  signal.throwIfAborted();
  if (!failed) return undefined;
  return stderr?.trim().split('\n').at(-1) || shortMessage || 'npm has failed';
}
