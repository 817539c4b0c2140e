#!/usr/bin/env node
import { VERSION } from '../version.ts';

const argv = process.argv.slice(2);
/** Commands that have a short way, as `tunnel` has. */
const QUICK = ['history', 'config', 'ssh-config', 'help'];

if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  process.stdout.write(`${VERSION}\n`);
} else {
  const interrupted = new AbortController();
  // The first Ctrl-C saves and leaves; a second one does not wait.
  const interrupt = () => {
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  process.on('SIGHUP', interrupt);
  // `autopod ls | head` closes our stdout early; that is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    process.stderr.write(`autopod: The output could not be written: ${error.message}\n`);
    process.exit(1);
  });
  process.exitCode = (await quickly()) ?? (await wholly());
  // What could not be written is told a turn later.
  await new Promise(setImmediate);
  process.exit();

  // What goes wrong on the short way is told by the long one.
  async function quickly(): Promise<number | undefined> {
    if (argv.length > 3) return undefined;
    if (argv[0] === 'tunnel') {
      const { runStatus } = await import('./status.ts');
      return runStatus(argv, process, process.env, interrupted.signal).catch(() => undefined);
    }
    if (!QUICK.includes(argv[0] ?? '')) return undefined;
    const { runQuick } = await import('./quick.ts');
    return runQuick(argv, process, process.env).catch(() => undefined);
  }

  async function wholly(): Promise<number> {
    const { run, runAsBug } = await import('./run.ts');
    process.on('unhandledRejection', (error) => process.exit(runAsBug(error, argv, process, process.env)));
    return run(argv, process, process.env, interrupted.signal);
  }
}
