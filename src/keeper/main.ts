import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { toFailure } from '../errors.ts';
import { homePath, openHome } from '../store/home.ts';
import { tryLock } from '../store/lock.ts';
import { serveApi } from './api.ts';
import { Guarded } from './guardian.ts';
import { Keeper } from './keeper.ts';
import { keeperSocket, openRuntimeFolder } from './runtime-folder.ts';
import { KEEPER_TIMINGS } from './timings.ts';

// ssh writes files of its own: they are closed to others as all of ours are.
process.umask(0o077);
const home = openHome(homePath());
const lock = await tryLock(join(home.locks, 'keeper'));
// Another keeper has this home; there is nothing to do for a second one.
if (!lock) process.exit(0);

const runtime = openRuntimeFolder(home);
let leaving: NodeJS.Timeout | undefined;
let isLeaving = false;
const timings = { ...KEEPER_TIMINGS, ...JSON.parse(process.env.AUTOPOD_KEEPER_TIMINGS ?? '{}') };
const keeper = new Keeper({
  home,
  env: process.env,
  timings,
  runtime,
  onChange: () => {
    clearTimeout(leaving);
    if (keeper.isIdle) leaving = setTimeout(() => void leave(), KEEPER_TIMINGS.lingerMs);
  },
});

const guarded = new Guarded(home, Number(process.argv[2]));
process.on('SIGHUP', () => undefined);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void leave());
// A home that was removed has no tunnels; the guardian must not bring it back.
const looking = setInterval(() => {
  if (!existsSync(home.root)) vanish();
  if (guarded.renew(process.env)) keeper.log('the guardian has ended; started another');
  void keeper.lookAtPlans().then(() => keeper.closeUnneeded());
  void serveAgain();
}, timings.lookMs);
looking.unref();
process.on('uncaughtException', (error) => {
  if (!existsSync(home.root)) vanish();
  keeper.log(`died of: ${error.stack ?? error.message}`);
  process.exit(70);
});

keeper.log('begun');
// Without its state it can only say why; then it leaves, rather than be started again and again.
const failure = await keeper.restore().then(() => undefined, toFailure);
if (failure) keeper.log(`cannot take up the tunnels: ${failure.code}`);
const serving = { failure, onHandover: () => setTimeout(handOver, 50) };
let server = await serveApi(keeper, keeperSocket(home), serving);
if (failure || keeper.isIdle) leaving = setTimeout(() => void leave(), KEEPER_TIMINGS.lingerMs * 2);

if (!failure) void keeper.stopWhatIsDue();
const stopping = setInterval(() => void keeper.stopWhatIsDue(), timings.autoStopLookMs);
stopping.unref();

/** Somebody may have removed the socket, as those who clean up temporary folders do. */
async function serveAgain(): Promise<void> {
  if (isLeaving || existsSync(keeperSocket(home))) return;
  openRuntimeFolder(home);
  server.close();
  server = await serveApi(keeper, keeperSocket(home), serving);
  keeper.log('the socket was gone; made another');
}

async function leave(): Promise<void> {
  if (isLeaving) return;
  isLeaving = true;
  clearTimeout(leaving);
  server.close();
  await keeper.suspend();
  await rm(keeperSocket(home), { force: true });
  await lock?.release();
  keeper.log('ended');
  vanish();
}

// What is wanted stays on disk, and ssh runs on: the next keeper takes up both.
function handOver(): never {
  keeper.log('handing over to a later autopod');
  vanish();
}

function vanish(): never {
  guarded.end();
  process.exit(0);
}
