import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toFailure } from '../errors.ts';
import { homePath, openHome } from '../store/home.ts';
import { tryLock } from '../store/lock.ts';
import { serveApi } from './api.ts';
import { Guarded } from './guardian.ts';
import { HomeWatch } from './home-watch.ts';
import { Keeper } from './keeper.ts';
import { openRuntimeFolder } from './open-runtime-folder.ts';
import { keeperSocket } from './runtime-folder.ts';
import { KEEPER_TIMINGS, keeperTimings } from './timings.ts';
import { holdFolder } from './way-to.ts';

// ssh writes files of its own: they are closed to others as all of ours are.
process.umask(0o077);
const timings = keeperTimings(process.env);
// Whoever starts a keeper has made its home. One that is away when the guardian starts the next keeper is not made again.
const givenUpAt = performance.now() + timings.homeAwayMs;
while (!existsSync(homePath())) {
  if (performance.now() > givenUpAt) process.exit(0);
  await sleep(timings.lookMs);
}
const home = openHome(homePath());
let lock = await tryLock(join(home.locks, 'keeper'));
// Another keeper has this home; there is nothing to do for a second one.
if (!lock) process.exit(0);

const runtime = await openRuntimeFolder(home);
holdFolder(runtime);
let leaving: NodeJS.Timeout | undefined;
let isLeaving = false;
let isLooking = false;
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
const watch = new HomeWatch(home.root);
process.on('SIGHUP', () => undefined);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void leave());
const looking = setInterval(() => void look(), timings.lookMs);
looking.unref();
process.on('uncaughtException', (error) => {
  keeper.log(`${watch.isAway ? 'while the home is away' : 'died of'}: ${error.stack ?? error.message}`);
  if (!watch.isAway) process.exit(70);
});

keeper.log('begun');
// Without its state it can only say why; then it leaves, rather than be started again and again.
const failure = await keeper.restore().then(() => undefined, toFailure);
if (failure) keeper.log(`cannot take up the tunnels: ${failure.code}`);
const serving = { failure, onHandover: () => setTimeout(handOver, 50) };
let server = await serveApi(keeper, keeperSocket(home), serving);
if (failure || keeper.isIdle) leaving = setTimeout(() => void leave(), KEEPER_TIMINGS.lingerMs * 2);

if (!failure) void keeper.stopping.stopWhatIsDue();
const stopping = setInterval(() => void keeper.stopping.stopWhatIsDue(), timings.autoStopLookMs);
const guarding = setInterval(() => void keeper.guards.look(), timings.guardLookMs);
guarding.unref();
stopping.unref();

/** Looks at what the keeper stands on. */
async function look(): Promise<void> {
  if (isLooking) return;
  isLooking = true;
  try {
    await lookOnce();
  } finally {
    isLooking = false;
  }
}

async function lookOnce(): Promise<void> {
  const renewed = guarded.renew(process.env);
  if (renewed) keeper.log(renewed);
  const seen = watch.look();
  if (seen === 'left') keeper.log('the home is away; going on with what is in memory');
  if (seen === 'left' || seen === 'away') return leaveIfAwayForGood();
  if (seen === 'another' && !(await claimAgain())) return leave();
  if (seen !== 'there') {
    keeper.log('the home is back; writing what is in memory');
    await keeper.writeAgain();
  }
  await keeper.stopping.readPlans();
  keeper.jobs.look();
  await keeper.closeUnneeded();
  await serveAgain();
}

// A home that stays away was removed, and has no tunnels; only the promise to stop a pod is kept for longer.
async function leaveIfAwayForGood(): Promise<void> {
  const patienceMs = keeper.stopping.isWanted ? timings.homeAwayPlannedMs : timings.homeAwayMs;
  if (watch.awayMs < patienceMs || isLeaving) return;
  keeper.log('the home stays away');
  await leave();
}

// The home was made again, perhaps with another keeper in it.
async function claimAgain(): Promise<boolean> {
  openHome(home.root);
  if (await lock?.isTaken()) return false;
  lock = await tryLock(join(home.locks, 'keeper'));
  return lock !== undefined;
}

/** Somebody may have removed the socket, as those who clean up temporary folders do. */
async function serveAgain(): Promise<void> {
  if (isLeaving || existsSync(keeperSocket(home))) return;
  await openRuntimeFolder(home);
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
  await rm(keeperSocket(home), { force: true }).catch(() => undefined);
  await lock?.release().catch(() => undefined);
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
