import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Home } from '../store/home.ts';

/**
 * Starts the keeper again when it is killed, and ends when the keeper has ended by itself. A keeper that dies at
 * once, again and again, is started ever more slowly. With a third argument there is a keeper already: its death
 * is the end of standard input, whose other side only it holds.
 */
const LOOP = `
trap '' HUP
[ -n "$3" ] && read -r _
quick=0
while :; do
  before=$(date +%s)
  "$1" "$2" $$ </dev/null && exit 0
  [ $(($(date +%s) - before)) -gt 5 ] && quick=0
  quick=$((quick + 1))
  [ $quick -gt 3 ] && sleep $((quick > 30 ? 30 : quick - 3))
done`;

/** Starts the guardian, and with it the keeper, in a session of its own that no terminal reaches. */
export function startGuardian(home: Home, env: NodeJS.ProcessEnv): void {
  spawnGuardian(home, env, 'ignore').unref();
}

/** Sees to it that this keeper has a guardian, although somebody may kill it. */
export class Guarded {
  readonly #home: Home;
  readonly #startedBy: number;
  #successor: ChildProcess | undefined;

  /** `startedBy` is the process id of the guardian that started this keeper. */
  constructor(home: Home, startedBy: number) {
    this.#home = home;
    this.#startedBy = startedBy;
  }

  /** Starts another guardian if there is none any more; true if it did. */
  renew(env: NodeJS.ProcessEnv): boolean {
    if (this.#successor ? isRunning(this.#successor) : process.ppid === this.#startedBy) return false;
    this.#successor = spawnGuardian(this.#home, env, 'pipe');
    this.#successor.stdin?.on('error', () => undefined);
    return true;
  }

  /** The keeper ends because it is not wanted: nobody is to start it again. */
  end(): void {
    this.#successor?.kill('SIGKILL');
  }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

function spawnGuardian(home: Home, env: NodeJS.ProcessEnv, stdin: 'ignore' | 'pipe'): ChildProcess {
  const arguments_ = [process.execPath, keeperProgram(), ...(stdin === 'pipe' ? ['after'] : [])];
  return spawn('/bin/sh', ['-c', LOOP, 'autopod-guardian', ...arguments_], {
    detached: true,
    stdio: [stdin, 'ignore', 'ignore'],
    env: { ...env, AUTOPOD_HOME: home.root },
    cwd: '/',
  });
}

/** The bundled keeper: beside this bundle, or in dist/ when run from sources. */
function keeperProgram(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    for (const path of [join(folder, 'keeper.js'), join(folder, 'dist', 'keeper.js')]) {
      if (existsSync(path)) return path;
    }
    if (folder === dirname(folder)) throw new Error('keeper.js is missing: run npm run build');
  }
}
