import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AutopodError, type Failure } from '../errors.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { loadConfig } from '../services/config.ts';
import type { Home } from '../store/home.ts';
import { isAlive, presentIdentity, sweepPresence } from '../store/presence.ts';
import { ownIdentity } from '../store/process-identity.ts';
import { type TunnelFacts, type TunnelStore, tunnelStore } from '../store/tunnels.ts';
import { Turns } from '../turns.ts';
import { Accounts } from './accounts.ts';
import type { OpenRequest, TunnelView } from './client.ts';
import { Guards } from './guards.ts';
import type { KeeperPods, TunnelNeeds } from './job-pods.ts';
import { keeperJobs } from './keeper-jobs.ts';
import { isOurs, keepOnly, wishOf } from './kept-tunnels.ts';
import { Locator } from './locate.ts';
import { SshConfigFile } from './ssh-config-file.ts';
import { Stopping } from './stopping.ts';
import { endStrays } from './strays.ts';
import type { KeeperTimings } from './timings.ts';
import { Tunnel, type TunnelOptions } from './tunnel.ts';
import { PatientJournal, PatientLog } from './unwritten.ts';

export interface KeeperOptions {
  home: Home;
  env: NodeJS.ProcessEnv;
  timings: KeeperTimings;
  /** Folder of the Unix sockets. */
  runtime: string;
  /** Told whenever the number of tunnels may have changed. */
  onChange: () => void;
}

const REMOTE_PORT = 8188;

/** All tunnels of a home: at most one per pod. Requests for one pod are taken one after the other. */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #store: TunnelStore;
  readonly #journal: PatientJournal;
  readonly #log: PatientLog;
  readonly #tunnels = new Map<string, Tunnel>();
  readonly #accounts: Accounts;
  readonly #turns: Turns;
  /** The pods that are to be stopped some time; their tunnels wait for them (I13). */
  readonly stopping: Stopping;
  readonly #pods: KeeperPods;
  readonly #sshConfig: SshConfigFile;
  /** The batches that have not ended. */
  readonly jobs: Jobs;
  readonly guards: Guards;

  constructor(options: KeeperOptions) {
    this.#options = options;
    const { home } = options;
    this.#journal = new PatientJournal(home.journal);
    this.#log = new PatientLog(home.log);
    this.#turns = new Turns(options.onChange);
    this.#sshConfig = new SshConfigFile(home, (line) => this.log(line));
    this.#accounts = new Accounts(home.config, options.env);
    this.#store = tunnelStore(home.tunnels, home.locks, (from, to) =>
      this.log(`${from} is unreadable, kept as ${to}`),
    );
    this.stopping = new Stopping({
      home,
      accounts: this.#accounts,
      journal: this.#journal,
      lookMs: options.timings.autoStopLookMs,
      tunnelTo: (podId) => this.#tunnels.get(podId),
      ownJobs: (podId) => this.jobs.worksAt(podId),
      onGone: async (podId) => {
        await this.close(podId);
        await rm(join(home.knownHosts, podId), { force: true });
      },
      openTunnel: async ({ recordId, autoStop }, podId) => {
        this.#accounts.share(recordId, podId);
        await this.#openOwn(podId, autoStop);
      },
      log: (line) => this.log(line),
      onChange: options.onChange,
    });
    const jobs = keeperJobs({
      home,
      env: options.env,
      accounts: this.#accounts,
      stopping: this.stopping,
      journal: this.#journal,
      timings: options.timings,
      tunnelTo: (podId) => this.#tunnels.get(podId),
      openTunnel: (podId, needs) => this.#openOwn(podId, needs),
      log: (line) => this.log(line),
      onChange: options.onChange,
    });
    this.#pods = jobs.pods;
    this.jobs = jobs.jobs;
    this.guards = new Guards({
      home,
      stopping: this.stopping,
      journal: this.#journal,
      leadMs: options.timings.guardLeadMs,
      tunnelTo: (podId) => this.#tunnels.get(podId),
      worksAt: (podId) => this.jobs.worksAt(podId) > 0,
      log: (line) => this.log(line),
    });
  }

  get views(): TunnelView[] {
    return [...this.#tunnels.values()].map(({ view }) => {
      const autoStop = this.stopping.planOf(view.podId);
      return autoStop ? { ...view, autoStop } : view;
    });
  }

  get isIdle(): boolean {
    return this.#tunnels.size === 0 && this.#turns.size === 0 && !this.stopping.isWanted && this.jobs.isIdle;
  }

  log(line: string): void {
    this.#log.say(`keeper ${process.pid}: ${line}`);
  }

  /** Writes what could not be written while the home was away. */
  async writeAgain(): Promise<void> {
    this.#log.flush();
    await this.#journal.flush();
    await Promise.all([...this.#tunnels.values()].map((tunnel) => tunnel.save()));
    await keepOnly(this.#store, (podId) => this.#tunnels.has(podId) || this.#turns.has(podId));
    this.#writeSshConfig();
  }

  /** Brings back what was wanted when the last keeper ended, with the ssh it left if that still answers. */
  async restore(): Promise<void> {
    await sweepPresence(this.#options.home.locks);
    await this.stopping.readPlans();
    const records = Object.values(await this.#store.all());
    await endStrays(this.#options.runtime, new Set(records.map(({ facts }) => facts.generation?.id)));
    for (const record of records) {
      const { facts, machine } = record;
      if (isOurs(record)) await this.#turns.take(facts.podId, () => this.#restoreTunnel(facts));
      else this.log(`the tunnel of ${facts.podId} was kept by a later autopod (${machine}); left alone`);
    }
    await this.jobs.restore();
  }

  async #restoreTunnel(facts: TunnelFacts): Promise<void> {
    const { podId, apiUrl, generation } = facts;
    const tunnel = Tunnel.restore(wishOf(facts), this.#optionsFor(podId, apiUrl), facts);
    this.#tunnels.set(podId, tunnel);
    await tunnel.begin(generation);
  }

  open(podId: string, { localPort, account, ...request }: Omit<OpenRequest, 'podId'>): Promise<TunnelView> {
    this.#accounts.remember(podId, account);
    const needs = {
      keyPath: request.keyPath,
      needsAgent: request.needsAgent,
      agentSocket: request.agentSocket ?? null,
      neededBy: request.neededBy ?? null,
    };
    return this.#turns.take(podId, async () => {
      const standing = this.#tunnels.get(podId);
      const isMeant =
        localPort === standing?.wish.localPort || (localPort === 'auto' && standing?.isListening);
      if (standing && isMeant) {
        await standing.renew(needs);
        standing.retry();
        return standing.view;
      }
      const wish = { podId, localPort, remotePort: REMOTE_PORT, ...needs };
      const tookPortFrom = localPort === 'auto' ? undefined : await this.#clearPort(localPort, podId);
      const { view } = await this.#begin(wish, account.apiUrl, standing);
      return tookPortFrom === undefined ? view : { ...view, tookPortFrom };
    });
  }

  close(podId: string): Promise<void> {
    return this.#turns.take(podId, async () => {
      await this.#tunnels.get(podId)?.stop();
      this.#tunnels.delete(podId);
      this.#writeSshConfig();
      this.#accounts.forget(podId);
      // A tunnel that could not be restored is still wanted on disk.
      await this.#store.update(podId, () => undefined);
    });
  }

  /** Looks after the plan in a pod's record from now on; a plan that is changed or taken out there is noticed by itself. The answer is what keeps it from being carried out as things are. */
  async heedPlan(recordId: string, account: OpenRequest['account']): Promise<Failure | undefined> {
    this.#accounts.remember(recordId, account);
    await this.stopping.readPlans();
    return this.stopping.whyNot(recordId);
  }

  /** Looks after a batch from now on, or at what was asked of its jobs since. */
  async heedBatch(batchId: string, account: OpenRequest['account']): Promise<void> {
    const batch = await this.jobs.factsOf(batchId);
    for (const podId of batch?.podIds ?? []) {
      this.#accounts.remember(podId, account);
      this.#pods.remember(podId, account.apiUrl);
    }
    await this.jobs.heed(batchId);
  }

  /** Opens a tunnel that ends when neither a plan nor a job needs it. */
  async #openOwn(podId: string, { apiUrl, keyPath, needsAgent, agentSocket }: TunnelNeeds): Promise<void> {
    await this.open(podId, {
      localPort: 'auto',
      keyPath,
      needsAgent,
      agentSocket: agentSocket ?? undefined,
      neededBy: await presentIdentity(this.#options.home.locks),
      account: { apiUrl, apiKey: undefined },
    });
  }

  /** Closes the tunnels whose command has ended without closing them, and those opened for a plan or a job that is none any more. */
  async closeUnneeded(): Promise<void> {
    const { locks } = this.#options.home;
    const own = ownIdentity();
    const tunnels = [...this.#tunnels.values()].map(async ({ wish: { neededBy, podId } }) => {
      if (!neededBy || this.jobs.needs(podId)) return;
      const isOwn = neededBy.pid === own.pid && neededBy.startedAt === own.startedAt;
      const isNeeded = isOwn ? this.stopping.planOf(podId) : await isAlive(neededBy, locks);
      if (!isNeeded) await this.close(podId);
    });
    await Promise.all(tunnels);
  }

  retry(podId: string): void {
    this.#tunnels.get(podId)?.retry();
  }

  /** Ends every ssh and listener; what is wanted stays on disk. */
  async suspend(): Promise<void> {
    await this.jobs.stop();
    await Promise.all([...this.#tunnels.values()].map((tunnel) => tunnel.suspend()));
    await this.#sshConfig.written;
  }

  // The port a tunnel moves to is taken before the one it leaves is given up.
  async #begin(
    wish: Parameters<typeof Tunnel.listen>[0],
    apiUrl: string,
    standing: Tunnel | undefined,
  ): Promise<Tunnel> {
    const tunnel = await Tunnel.listen(wish, this.#optionsFor(wish.podId, apiUrl));
    await standing?.stop();
    await tunnel.begin(null);
    this.#tunnels.set(wish.podId, tunnel);
    return tunnel;
  }

  #optionsFor(podId: string, apiUrl: string): TunnelOptions {
    const { home, timings, runtime, onChange } = this.#options;
    return {
      store: this.#store,
      journal: this.#journal,
      apiUrl,
      timings,
      runtime,
      knownHosts: home.knownHosts,
      // Settings that cannot be read may have asked for it.
      requiresProof: () =>
        loadConfig(home.config, this.#options.env).then(
          ({ isProofRequired }) => isProofRequired,
          () => true,
        ),
      locator: new Locator(() => this.#accounts.of(podId, apiUrl), timings.locateEveryMs),
      log: (line) => this.log(line),
      onState: () => {
        this.#writeSshConfig();
        this.jobs.look();
      },
      onStopped: () => {
        this.#tunnels.delete(podId);
        this.#writeSshConfig();
        onChange();
      },
    };
  }

  #writeSshConfig(): void {
    this.#sshConfig.write([...this.#tunnels.values()]);
  }

  /** A tunnel that waits for a stopped pod gives its port up and is closed; the answer is its pod. Throws `localPortTaken`. */
  async #clearPort(port: number, podId: string): Promise<string | undefined> {
    const other = [...this.#tunnels.values()].find(
      ({ wish }) => wish.localPort === port && wish.podId !== podId,
    );
    if (!other) return undefined;
    if (other.view.state !== 'waitingForPod')
      throw new AutopodError('localPortTaken', { port, podId: other.wish.podId });
    this.log(`the tunnel of ${other.wish.podId} waits for its pod and gives port ${port} up to ${podId}`);
    await this.close(other.wish.podId);
    return other.wish.podId;
  }
}
