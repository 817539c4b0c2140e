import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError } from '../errors.ts';
import type { Wording } from '../inspector/subject.ts';
import { keeperClient } from '../keeper/client.ts';
import type { PodRecordFacts } from '../lifecycle/pod-records.ts';
import { timingsFrom } from '../lifecycle/timings.ts';
import type { Config } from '../services/config.ts';
import { logLine } from '../services/log.ts';
import { createRunPod } from '../services/runpod/client.ts';
import { usePrivateKey } from '../services/ssh/key.ts';
import type { Home } from '../store/home.ts';
import { Journal } from '../store/journal.ts';
import { aboutHolder, lockHolder, tryLock } from '../store/lock.ts';
import { presentIdentity } from '../store/presence.ts';
import { RecordStore } from '../store/records.ts';
import { VERSION } from '../version.ts';
import type { Places } from './engine/ask.ts';
import { requireServerBinary } from './engine/binary.ts';
import { serverIdentity } from './engine/identity.ts';
import { type Server, type ServerOptions, startServer } from './engine/server.ts';
import { beginTicking, tickingObject } from './engine/ticker.ts';
import { startWorker } from './engine/worker.ts';
import { type Bounds, type Listening, listen } from './gateway/http.ts';
import { answer } from './gateway/routes.ts';
import { Seen } from './gateway/seen.ts';
import { Streams } from './gateway/streamed.ts';
import { Verbs } from './gateway/verbs.ts';
import { Views } from './gateway/views.ts';
import { watchFleet } from './gateway/watching.ts';
import { engineFolder, ensureSshKey, type FleetHome, openFleetHome } from './home.ts';
import { queueOf } from './jobs/queue.ts';
import { People } from './people/people.ts';
import type { Fleet } from './pods/fleet.ts';
import { KeyKeeping } from './pods/key-keeping.ts';
import { POLICY_OBJECT } from './pods/names.ts';
import { podObject } from './pods/pods.ts';
import { scheduling } from './pods/schedule.ts';
import { keepToPolicy } from './policy/keeping.ts';
import { mayBeSpent } from './policy/may-be-spent.ts';
import { Owners } from './policy/owners.ts';
import { Policies } from './policy/policy.ts';
import { sharesOf } from './policy/shares.ts';
import { keepServing, lastServing } from './serving.ts';
import { serveLock } from './standing.ts';

export interface ServeOptions {
  home: Home;
  env: NodeJS.ProcessEnv;
  config: Config;
  listening: Listening;
  /** Where members reach the gateway, where a proxy stands before it. */
  publicUrl?: string | undefined;
  /** A cluster of Restate's that is there, in the place of a server of our own. */
  cluster?: Cluster | undefined;
  /** Told when the gateway answers, with how many people may use it. */
  onListening: (url: string, people: number) => void;
  signal: AbortSignal;
  /** How the inspector tells failures and places. */
  wording: Wording;
  bounds?: Bounds | undefined;
  boxMs?: number | undefined;
}

/** Where a cluster answers, a node each, and how it and our worker know each other. */
export interface Cluster {
  ingress: string[];
  admin: string[];
  /** Public keys with which its nodes sign their calls. */
  identityKeys: string[];
  /** Address of this machine at which it reaches the worker. */
  worker: { host: string; port: number };
}

/** Milliseconds before Restate's server is started again once it has ended by itself. */
const AGAIN_MS = 1_000;

/**
 * Serves a fleet until the signal: Restate's server, the worker with the machines, the gateway for members. One process
 * at a time serves a home. Throws `lockBusy`, `engineMissing`, `engineUnreachable`, `localPortTaken`, `apiKeyMissing`.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { home, env, config, listening, publicUrl, onListening, signal } = options;
  const fleetHome = openFleetHome(home);
  const lock = await tryLock(serveLock(fleetHome));
  if (!lock) throw await alreadyServed(fleetHome);
  const log = (line: string) => void logLine(fleetHome.log, line);
  const ends: (() => Promise<void>)[] = [() => lock.release()];
  try {
    const machines = fleetOf(fleetHome, options, log);
    const { cluster } = options;
    const identityKeys = cluster?.identityKeys ?? [serverIdentity(fleetHome.identity)];
    const places = cluster
      ? { ingress: { urls: cluster.ingress }, admin: { urls: cluster.admin } }
      : await keepServer(fleetHome, options, log, ends);
    const fleet: Fleet = {
      ...machines,
      schedule: scheduling(places, machines.pods),
      mayBeSpent: (asking) => mayBeSpent(machines, asking),
      watchPod: (launchId) => beginTicking(places, POLICY_OBJECT, launchId),
    };
    const keys = new KeyKeeping(fleet);
    const policy = tickingObject({
      name: POLICY_OBJECT,
      tick: (launchId) => keepToPolicy(fleet, launchId),
      againMs: fleet.timings.policyLookMs,
    });
    const seen = new Seen(fleet.runpod);
    const queue = queueOf(fleet, { seen, places, env, boxMs: options.boxMs });
    const before = await lastServing(fleetHome);
    const worker = await startWorker({
      places,
      durables: [podObject(fleet, keys, options.boxMs), queue.durable],
      objects: [policy, queue.pool],
      host: cluster?.worker.host,
      port: cluster?.worker.port || (before?.workerPort ?? 0),
      identityKeys,
      log,
    });
    ends.unshift(worker.stop);
    const left = new AbortController();
    const keeping = keys.run(left.signal);
    ends.unshift(async () => {
      left.abort();
      await keeping;
    });
    const { people } = fleet;
    const verbs = new Verbs({ ...fleet, places, seen });
    const watch = watchFleet(fleet, options);
    const views = new Views({ watch, runpod: fleet.runpod, streams: new Streams(people) });
    const gateway = await listen(
      listening,
      (asked) => answer({ people, verbs, seen, views, log, ...queue.routes }, asked),
      {
        log,
        bounds: options.bounds,
      },
    );
    ends.unshift(gateway.close);
    const url = publicUrl ?? gateway.url;
    const since = new Date().toISOString();
    const kept = cluster && { ingress: cluster.ingress, admin: cluster.admin };
    await keepServing(fleetHome, {
      ...(kept && { cluster: kept }),
      url,
      workerPort: worker.port,
      pid: process.pid,
      version: VERSION,
      since,
    });
    log(`serving at ${url}, ${config.apiUrl}, ${env.AUTOPOD_HOME ?? home.root}`);
    await queue.takeUp();
    onListening(url, (await people.list()).length);
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    for (const end of ends) await end();
  }
}

export async function alreadyServed(home: FleetHome): Promise<AutopodError> {
  const holder = await lockHolder(serveLock(home));
  return new AutopodError('lockBusy', { lock: serveLock(home), ...(holder && aboutHolder(holder)) });
}

/** Starts Restate's server, and again whenever it ends by itself: what was begun goes on from what it has kept. */
async function keepServer(
  home: FleetHome,
  { home: user, env, signal }: ServeOptions,
  log: (line: string) => void,
  ends: (() => Promise<void>)[],
): Promise<Places> {
  const options: ServerOptions = {
    folder: home.engine,
    binary: requireServerBinary(engineFolder(user)),
    identityPath: home.identity,
    env,
  };
  let server: Server = await startServer(options);
  const left = new AbortController();
  const isLeft = AbortSignal.any([left.signal, signal]);
  const watch = async () => {
    while (!isLeft.aborted) {
      await server.ended;
      if (isLeft.aborted) return;
      log("Restate's server has ended by itself; it is started again");
      await sleep(AGAIN_MS, undefined, { signal: isLeft }).catch(() => undefined);
      if (!isLeft.aborted) {
        server = await startServer(options).catch((error: Error) => {
          log(`Restate's server does not start: ${error.message}`);
          return server;
        });
      }
    }
  };
  const watching = watch();
  ends.unshift(async () => {
    left.abort();
    const known = server;
    await known.stop();
    await watching;
    // Another one may have been on its start meanwhile.
    if (server !== known) await server.stop();
  });
  return server.places;
}

function fleetOf(
  home: FleetHome,
  { home: user, env, config }: ServeOptions,
  log: (line: string) => void,
): Omit<Fleet, 'schedule' | 'watchPod' | 'mayBeSpent'> {
  const { apiUrl, apiKey, limits, sshKeyPath } = config;
  if (!apiKey) throw new AutopodError('apiKeyMissing', { file: user.config });
  const sshKey = sshKeyPath ?? ensureSshKey(home);
  const people = new People(home);
  const policies = new Policies(home);
  const owners = new Owners(home);
  const pods = new RecordStore<PodRecordFacts>({ path: home.pods, locks: home.locks });
  return {
    home,
    runpod: createRunPod({ apiUrl, apiKey }),
    // A keeper that was started again has the account from its environment, as for any command.
    keeper: keeperClient(home, {
      ...env,
      AUTOPOD_HOME: home.root,
      AUTOPOD_API_URL: apiUrl,
      RUNPOD_API_KEY: apiKey,
    }),
    account: { apiUrl, apiKey },
    privateKey: () => usePrivateKey(sshKey, env),
    memberKeys: () => people.publicKeys(),
    pods,
    policies,
    shares: sharesOf({ home, pods, policies, owners }),
    people,
    owners,
    self: () => presentIdentity(home.locks),
    journal: new Journal(home.journal),
    timings: timingsFrom(env),
    limits,
    log,
  };
}
