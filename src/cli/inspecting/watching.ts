import { join } from 'node:path';
import { AutopodError } from '../../errors.ts';
import { Watch } from '../../inspector/watch.ts';
import { type Home, leaseFolder } from '../../store/home.ts';
import { JobStore } from '../../store/jobs.ts';
import { lockHolder } from '../../store/lock.ts';
import { tunnelStore } from '../../store/tunnels.ts';
import type { Context } from '../context.ts';
import { WORDING } from './wording.ts';

const KEEPER_STUCK_MS = 2_000;

/** Looks at everything there is. */
export async function watchAll(context: Context): Promise<Watch> {
  const home = context.home();
  const [pods, keeper] = await Promise.all([context.pods(), context.keeper()]);
  const tunnelFile = tunnelStore(home.tunnels, home.locks);
  const jobs = new JobStore(home);
  return new Watch({
    journal: home.journal,
    pods: () => pods.peek(),
    tunnels: () => keeper.seen(unlessStuck(home)),
    job: (jobId) => jobs.get(jobId),
    checkTunnelFile: () => tunnelFile.peek(),
    driverOf: (recordId) => holder(leaseFolder(home, recordId)),
    keeper: () => holder(join(home.locks, 'keeper')),
    wording: WORDING,
    secrets: await knownSecrets(context),
  });
}

/** Looks at the tunnels only, and at what happens to them from now on. */
export async function watchTunnels(context: Context): Promise<Watch> {
  const home = context.home();
  const keeper = await context.keeper();
  return new Watch({
    journal: home.journal,
    isFromNow: true,
    pods: async () => ({}),
    tunnels: () => keeper.seen(unlessStuck(home)),
    checkTunnelFile: async () => undefined,
    driverOf: async () => undefined,
    keeper: () => holder(join(home.locks, 'keeper')),
    wording: WORDING,
    secrets: await knownSecrets(context),
  });
}

/** Values that no inspector may show. A configuration that cannot be read has none. */
export async function knownSecrets(context: Context): Promise<string[]> {
  const apiKey = await context.config().then(
    (config) => config.apiKey,
    () => undefined,
  );
  return [apiKey, context.env.RUNPOD_API_KEY].filter((secret) => secret !== undefined);
}

// Sooner than a command would give up: meanwhile nothing else is seen, either.
function unlessStuck({ log }: Home): AbortSignal {
  const stuck = new AbortController();
  const error = new AutopodError('keeperUnreachable', { log });
  setTimeout(() => stuck.abort(error), KEEPER_STUCK_MS).unref();
  return stuck.signal;
}

async function holder(folder: string): Promise<number | undefined> {
  return (await lockHolder(folder))?.pid;
}
