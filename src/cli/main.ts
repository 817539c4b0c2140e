#!/usr/bin/env node
import { VERSION } from '../version.ts';
import { flushed } from './output/flush.ts';

const argv = process.argv.slice(2);
/** Commands that have a short way, as `tunnel` has. */
const QUICK = ['history', 'config', 'ssh-config', 'help'];

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`autopod: It needs Node 20.19 or later; this is ${process.versions.node}.\n`);
  process.exitCode = 1;
} else if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  process.stdout.write(`${VERSION}\n`);
} else {
  const interrupted = new AbortController();
  let isDone = false;
  // The first Ctrl-C saves and leaves; a second one does not wait, nor one while a slow reader takes what is left.
  const interrupt = () => {
    if (isDone || interrupted.signal.aborted) process.exit(130);
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
  await leave((await quickly()) ?? (await wholly()));

  async function leave(exitCode: number): Promise<never> {
    isDone = true;
    process.exitCode = exitCode;
    await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
    // What could not be written is told a turn later.
    await new Promise(setImmediate);
    process.exit();
  }

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
    process.on('unhandledRejection', (error) => void leave(runAsBug(error, argv, process, process.env)));
    return run(argv, process, process.env, interrupted.signal);
  }
}
