import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AutopodError } from '../errors.ts';
import type { Home } from '../store/home.ts';
import { keeperTimings } from './timings.ts';

/**
 * Starts the keeper again when it is killed, and ends when the keeper has ended by itself. A keeper that dies at
 * once, again and again, is started ever more slowly, and in the end no more: its program may be gone for good. A Node
 * that is gone gives way to the one on PATH. With a fifth argument there is a keeper already: its death is the end of
 * standard input, whose other side only it holds.
 */
const LOOP = `
trap '' HUP
[ -n "$5" ] && read -r _
quick=0
while :; do
  before=$(date +%s)
  node=$1
  [ -x "$node" ] || node=node
  "$node" "$2" $$ </dev/null && exit 0
  [ $(($(date +%s) - before)) -gt 5 ] && quick=0
  quick=$((quick + 1))
  if [ $quick -ge "$4" ]; then
    why="it ends at once"
    [ -e "$2" ] || why="$2 is not there any more"
    echo "$(date -u +%Y-%m-%dT%H:%M:%S.000Z) guardian $$: gave up after $quick starts of a keeper: $why. The next autopod command starts one." >>"$3"
    exit 1
  fi
  [ $quick -gt 3 ] && sleep $((quick > 30 ? 30 : quick - 3))
done`;

/** Starts the guardian, and with it the keeper, in a session of its own that no terminal reaches. Throws `programReplaced`. */
export function startGuardian(home: Home, env: NodeJS.ProcessEnv): ChildProcess {
  const guardian = spawnGuardian(home, env, keeperProgram(), 'ignore');
  guardian.unref();
  return guardian;
}

/** Sees to it that this keeper has a guardian, although somebody may kill it. */
export class Guarded {
  readonly #home: Home;
  readonly #startedBy: number;
  readonly #program = process.argv[1] ?? '';
  #successor: ChildProcess | undefined;
  #isProgramGone = false;

  /** `startedBy` is the process id of the guardian that started this keeper. */
  constructor(home: Home, startedBy: number) {
    this.#home = home;
    this.#startedBy = startedBy;
  }

  /** Starts another guardian if there is none any more; the answer is what is to be said of it. */
  renew(env: NodeJS.ProcessEnv): string | undefined {
    if (this.#successor ? isRunning(this.#successor) : process.ppid === this.#startedBy) return undefined;
    const wasProgramGone = this.#isProgramGone;
    // A guardian could start nothing until the program is there again; meanwhile the keeper goes on without one.
    this.#isProgramGone = !existsSync(this.#program);
    if (this.#isProgramGone)
      return wasProgramGone ? undefined : `the guardian has ended, and ${this.#program} is gone`;
    this.#successor = spawnGuardian(this.#home, env, this.#program, 'pipe');
    this.#successor.on('error', () => undefined);
    this.#successor.stdin?.on('error', () => undefined);
    return 'the guardian has ended; started another';
  }

  /** The keeper ends because it is not wanted: nobody is to start it again. */
  end(): void {
    this.#successor?.kill('SIGKILL');
  }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

function spawnGuardian(
  home: Home,
  env: NodeJS.ProcessEnv,
  program: string,
  stdin: 'ignore' | 'pipe',
): ChildProcess {
  const { maxFailedStarts } = keeperTimings(env);
  const after = stdin === 'pipe' ? ['after'] : [];
  const arguments_ = [process.execPath, program, home.log, String(maxFailedStarts), ...after];
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
    if (folder === dirname(folder)) {
      throw new AutopodError('programReplaced', { file: join(import.meta.dirname, 'keeper.js') });
    }
  }
}
