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
import { presentIdentity } from '../store/presence.ts';
import { RecordStore } from '../store/records.ts';
import { VERSION } from '../version.ts';
import type { Places } from './engine/ask.ts';
import { requireServerBinary } from './engine/binary.ts';
import { serverIdentity } from './engine/identity.ts';
import { placesIn, type ServerOptions } from './engine/server.ts';
import { beginTicking, tickingObject } from './engine/ticker.ts';
import { LAYOUT, startWorker, type Worker } from './engine/worker.ts';
import { type Bounds, type Listening, listen } from './gateway/http.ts';
import { answer } from './gateway/routes.ts';
import { Seen } from './gateway/seen.ts';
import { Streams } from './gateway/streamed.ts';
import { Verbs } from './gateway/verbs.ts';
import { Views } from './gateway/views.ts';
import { watchFleet } from './gateway/watching.ts';
import { type Turn, takeTurn, untilAskedFor } from './handover.ts';
import { engineFolder, ensureSshKey, type FleetHome, openFleetHome } from './home.ts';
import { queueOf } from './jobs/queue.ts';
import { type KeptServer, keepServer } from './keep-server.ts';
import { followWorkers, keepGoing, untilLeft } from './leaving.ts';
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
import { keepWorker, knownWorkers } from './workers.ts';

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
  /** Told when it is taken over from another version, or by one. */
  onHandover: {
    asked: (version: string) => void;
    handedOver: (version: string) => void;
    left: () => void;
  };
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

/** What is served in each of our turns, and goes on beside whoever serves after us. */
interface Joined {
  fleet: Fleet;
  places: Places;
  worker: Worker;
  seen: Seen;
  keys: KeyKeeping;
  queue: ReturnType<typeof queueOf>;
}

/**
 * Serves a fleet until the signal: Restate's server, the worker with the machines, the gateway for members. One process
 * at a time serves a home; another version that is started takes it over, and this one ends what it is at. Throws
 * `lockBusy`, `engineMissing`, `engineUnreachable`, `localPortTaken`, `apiKeyMissing`, `stateNewer`.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { cluster, signal, onHandover } = options;
  const home = openFleetHome(options.home);
  const log = (line: string) => void logLine(home.log, line);
  const identityKeys = cluster?.identityKeys ?? [serverIdentity(home.identity)];
  let turn: Turn | undefined = await takeTurn(home, { version: VERSION, signal, onAsked: onHandover.asked });
  let joined: Joined | undefined;
  try {
    while (turn) {
      const { lock, isHandedOver } = turn;
      turn = undefined;
      let server: KeptServer | undefined;
      let askedBy: string | undefined;
      let isToLeave = isHandedOver;
      try {
        if (!cluster) server = await keepServer(serverOptions(home, options, isHandedOver), { log, signal });
        if (joined) await joined.worker.register();
        else joined = await join(home, options, identityKeys, log);
        askedBy = await serveTurn(home, options, joined, { isHandedOver, log });
        isToLeave = askedBy !== undefined;
      } finally {
        // Whoever served before goes on with what this one could not begin.
        if (!isToLeave) await joined?.worker.stop();
        await (isToLeave ? server?.leave() : server?.stop());
        await lock.release();
      }
      if (askedBy === undefined) return;
      onHandover.handedOver(askedBy);
      const back = await untilLeft({ home, places: joined.places, worker: joined.worker, signal });
      if (back) turn = { lock: back, isHandedOver: true };
    }
    onHandover.left();
  } finally {
    await joined?.worker.stop();
  }
}

function serverOptions(
  home: FleetHome,
  { home: user, env }: ServeOptions,
  isHandedOver: boolean,
): ServerOptions {
  const binary = requireServerBinary(engineFolder(user));
  return { folder: home.engine, binary, identityPath: home.identity, env, isHandedOver };
}

async function join(
  home: FleetHome,
  options: ServeOptions,
  identityKeys: string[],
  log: (line: string) => void,
): Promise<Joined> {
  const { env, cluster, boxMs } = options;
  const machines = fleetOf(home, options, log);
  const places = cluster
    ? { ingress: { urls: cluster.ingress }, admin: { urls: cluster.admin } }
    : placesIn(home.engine);
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
  const queue = queueOf(fleet, { user: options.home, seen, places, env, boxMs });
  const worker = await startWorker({
    places,
    durables: [podObject(fleet, keys, boxMs), queue.durable],
    objects: [policy, queue.pool],
    host: cluster?.worker.host,
    port: cluster?.worker.port || (await portOf(home)),
    identityKeys,
    log,
    onListening: async (uri) => {
      const since = new Date().toISOString();
      const own = await presentIdentity(home.locks);
      await keepWorker(home, { uri, version: VERSION, layout: LAYOUT, since, process: own });
    },
  });
  return { fleet, places, worker, seen, keys, queue };
}

/** Where calls go on that were begun before, unless whoever is at them is still there. */
async function portOf(home: FleetHome): Promise<number> {
  const port = (await lastServing(home))?.workerPort ?? 0;
  const workers = await knownWorkers(home);
  return workers.some(({ uri, isAlive }) => isAlive && new URL(uri).port === String(port)) ? 0 : port;
}

/** Serves members until another version asks for it, which is the answer; undefined at the signal. */
async function serveTurn(
  home: FleetHome,
  options: ServeOptions,
  { fleet, places, worker, seen, keys, queue }: Joined,
  { isHandedOver, log }: { isHandedOver: boolean; log: (line: string) => void },
): Promise<string | undefined> {
  const { listening, publicUrl, cluster, bounds, config, onListening, signal } = options;
  const over = new AbortController();
  const tasks = [
    keys.run(over.signal),
    queue.keepFiles(over.signal),
    keepGoing({ places, worker, signal: over.signal, log }),
    followWorkers({ home, places, worker, signal: over.signal, log, onGone: queue.lookAgain }),
  ];
  const { people } = fleet;
  const verbs = new Verbs({ ...fleet, places, seen });
  const views = new Views({
    watch: watchFleet(fleet, options),
    runpod: fleet.runpod,
    streams: new Streams(people),
  });
  const joined = { people, verbs, seen, views, log, ...queue.routes };
  let gateway: Awaited<ReturnType<typeof listen>> | undefined;
  try {
    gateway = await listen(listening, (asked) => answer(joined, asked), { log, bounds });
    const url = publicUrl ?? gateway.url;
    await keepServing(home, {
      ...(cluster && { cluster: { ingress: cluster.ingress, admin: cluster.admin } }),
      url,
      workerPort: worker.port,
      pid: process.pid,
      version: VERSION,
      layout: LAYOUT,
      since: new Date().toISOString(),
    });
    log(`serving at ${url}, ${config.apiUrl}, ${options.env.AUTOPOD_HOME ?? options.home.root}`);
    await queue.takeUp(isHandedOver);
    onListening(url, (await people.list()).length);
    return await untilAskedFor(home, signal);
  } finally {
    await gateway?.close();
    over.abort();
    await Promise.all(tasks);
  }
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
