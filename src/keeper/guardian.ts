import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Home } from '../store/home.ts';

/**
 * Starts the keeper again when it is killed, and ends when the keeper has ended by itself. A keeper that dies at
 * once, again and again, is started ever more slowly.
 */
const LOOP = `
trap '' HUP
quick=0
while :; do
  before=$(date +%s)
  "$1" "$2" && exit 0
  [ $(($(date +%s) - before)) -gt 5 ] && quick=0
  quick=$((quick + 1))
  [ $quick -gt 3 ] && sleep $((quick > 30 ? 30 : quick - 3))
done`;

/** Starts the guardian, and with it the keeper, in a session of its own that no terminal reaches. */
export function startGuardian(home: Home, env: NodeJS.ProcessEnv): void {
  const guardian = spawn('/bin/sh', ['-c', LOOP, 'autopod-guardian', process.execPath, keeperProgram()], {
    detached: true,
    stdio: 'ignore',
    env: { ...env, AUTOPOD_HOME: home.root },
    cwd: '/',
  });
  guardian.unref();
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
