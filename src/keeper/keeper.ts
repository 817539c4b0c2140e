import { readdir } from 'node:fs/promises';
import { parse } from 'node:path';
import { AutopodError, toFailure } from '../errors.ts';
import { logLine } from '../services/log.ts';
import { endMaster, masterFiles } from '../services/ssh/master.ts';
import { writeFileAtomic } from '../store/atomic-file.ts';
import type { Home } from '../store/home.ts';
import { Journal } from '../store/journal.ts';
import { isRunning } from '../store/process-identity.ts';
import { RECORD_SCHEMA } from '../store/records.ts';
import { type TunnelFacts, type TunnelStore, tunnelStore } from '../store/tunnels.ts';
import { Accounts } from './accounts.ts';
import type { AutoStop, OpenRequest, TunnelView } from './client.ts';
import { Locator } from './locate.ts';
import { sshConfig } from './ssh-config.ts';
import type { KeeperTimings } from './timings.ts';
import { Tunnel, type TunnelOptions } from './tunnel.ts';

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
  readonly #journal: Journal;
  readonly #tunnels = new Map<string, Tunnel>();
  readonly #accounts: Accounts;
  readonly #turns = new Map<string, Promise<unknown>>();

  #sshConfig: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
    const { home } = options;
    this.#journal = new Journal(home.journal);
    this.#accounts = new Accounts(home.config, options.env);
    this.#store = tunnelStore(home.tunnels, home.locks, (from, to) =>
      this.log(`${from} is unreadable, kept as ${to}`),
    );
  }

  get views(): TunnelView[] {
    return [...this.#tunnels.values()].map(({ view }) => view);
  }

  get isIdle(): boolean {
    return this.#tunnels.size === 0 && this.#turns.size === 0;
  }

  log(line: string): void {
    logLine(this.#options.home.log, `keeper ${process.pid}: ${line}`);
  }

  /** Brings back what was wanted when the last keeper ended, with the ssh it left if that still answers. */
  async restore(): Promise<void> {
    const records = Object.values(await this.#store.all());
    await this.#endStrays(new Set(records.map(({ facts }) => facts.generation?.id)));
    for (const { facts, schema, machine } of records) {
      if (schema > RECORD_SCHEMA || machine !== 'tunnel@1') {
        this.log(`the tunnel of ${facts.podId} was kept by a later autopod (${machine}); left alone`);
        continue;
      }
      await this.#turn(facts.podId, () => this.#restoreTunnel(facts));
    }
  }

  async #restoreTunnel(facts: TunnelFacts): Promise<void> {
    const { podId, apiUrl, keyPath, needsAgent, agentSocket, neededBy, generation, autoStop } = facts;
    const ports = { localPort: facts.local_port, remotePort: facts.remote_port };
    const wish = { podId, ...ports, keyPath, needsAgent, agentSocket, neededBy };
    const tunnel = Tunnel.restore(wish, this.#optionsFor(podId, apiUrl), facts);
    this.#tunnels.set(podId, tunnel);
    await tunnel.begin(generation);
    if (autoStop) await tunnel.schedule(autoStop);
  }

  // An ssh that no record knows was being opened or replaced when the last keeper was killed. Its end is not
  // waited for: it may be stuck, and the tunnels that are wanted shall not wait.
  async #endStrays(known: Set<string | undefined>): Promise<void> {
    const { runtime } = this.#options;
    const files = (await readdir(runtime)).filter((name) => /^[0-9a-f]{12}\.(ctl|sock|err)$/.test(name));
    const strays = new Set(files.map((name) => parse(name).name).filter((id) => !known.has(id)));
    for (const id of strays) void endMaster(masterFiles(runtime, id), undefined);
  }

  open(podId: string, { localPort, account, ...request }: Omit<OpenRequest, 'podId'>): Promise<TunnelView> {
    this.#accounts.remember(podId, account);
    const needs = {
      keyPath: request.keyPath,
      needsAgent: request.needsAgent,
      agentSocket: request.agentSocket ?? null,
      neededBy: request.neededBy ?? null,
    };
    return this.#turn(podId, async () => {
      const standing = this.#tunnels.get(podId);
      const isMeant =
        localPort === standing?.wish.localPort || (localPort === 'auto' && standing?.isListening);
      if (standing && isMeant) {
        await standing.renew(needs);
        standing.retry();
        return standing.view;
      }
      const wish = { podId, localPort, remotePort: REMOTE_PORT, ...needs };
      if (localPort !== 'auto') this.#requireOwnPort(localPort, podId);
      return (await this.#begin(wish, account.apiUrl, standing)).view;
    });
  }

  close(podId: string): Promise<void> {
    return this.#turn(podId, async () => {
      await this.#tunnels.get(podId)?.stop();
      this.#tunnels.delete(podId);
      this.#writeSshConfig();
      this.#accounts.forget(podId);
      // A tunnel that could not be restored is still wanted on disk.
      await this.#store.update(podId, () => undefined);
    });
  }

  /** Throws `tunnelMissing`: only a pod with a tunnel is watched. */
  schedule(podId: string, change: Partial<AutoStop>): Promise<TunnelView> {
    return this.#turn(podId, async () => {
      const tunnel = this.#tunnels.get(podId);
      if (!tunnel) throw new AutopodError('tunnelMissing', { podId });
      await tunnel.schedule(change);
      return tunnel.view;
    });
  }

  /** Stops the pods whose time is up, and with them their tunnels (I13). */
  async stopWhatIsDue(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    await Promise.all([...this.#tunnels.values()].map((tunnel) => this.#stopIfDue(tunnel)));
    this.#isStopping = false;
  }

  /** Closes the tunnels whose command has ended without closing them. */
  async closeUnneeded(): Promise<void> {
    const unneeded = [...this.#tunnels.values()].filter(
      ({ wish: { neededBy } }) => neededBy && !isRunning(neededBy),
    );
    await Promise.all(unneeded.map(({ wish }) => this.close(wish.podId)));
  }

  async #stopIfDue(tunnel: Tunnel): Promise<void> {
    const { podId } = tunnel.wish;
    const reason = await tunnel.reasonToStop();
    if (reason === undefined) return;
    this.log(`stopping pod ${podId}: ${reason}`);
    try {
      const { runpod } = await this.#accounts.of(podId, tunnel.apiUrl);
      await runpod.act(podId, 'stop', AbortSignal.timeout(30_000));
      await tunnel.tell('pod.stopped', reason);
      await this.close(podId);
    } catch (error) {
      const { code } = toFailure(error);
      this.log(`cannot stop pod ${podId} (${code})`);
      // It does not run, or is no more: the plan has had its time, and must not strike its next run.
      if (code === 'podActionRefused' || code === 'podNotFound') {
        await tunnel.schedule({ stopAt: null, idleMs: null });
      }
    }
  }

  retry(podId: string): void {
    this.#tunnels.get(podId)?.retry();
  }

  /** Ends every ssh and listener; what is wanted stays on disk. */
  async suspend(): Promise<void> {
    await Promise.all([...this.#tunnels.values()].map((tunnel) => tunnel.suspend()));
    await this.#sshConfig;
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
    if (standing?.view.autoStop) await tunnel.schedule(standing.view.autoStop);
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
      locator: new Locator(() => this.#accounts.of(podId, apiUrl), timings.locateEveryMs),
      log: (line) => this.log(line),
      onState: () => this.#writeSshConfig(),
      onStopped: () => {
        this.#tunnels.delete(podId);
        this.#writeSshConfig();
        onChange();
      },
    };
  }

  #writeSshConfig(): void {
    const { home } = this.#options;
    const reachable = [...this.#tunnels.values()].filter(({ view }) => view.address);
    this.#sshConfig = this.#sshConfig
      .then(() => writeFileAtomic(home.sshConfig, sshConfig(reachable, home.knownHosts)))
      .catch((error: Error) => this.log(`cannot write ${home.sshConfig}: ${error.message}`));
  }

  #requireOwnPort(port: number, podId: string): void {
    const other = [...this.#tunnels.values()].find(
      ({ wish }) => wish.localPort === port && wish.podId !== podId,
    );
    if (other) throw new AutopodError('localPortTaken', { port, podId: other.wish.podId });
  }

  #turn<T>(podId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(podId) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(work);
    const settled = turn
      .catch(() => undefined)
      .then(() => {
        if (this.#turns.get(podId) === settled) this.#turns.delete(podId);
        this.#options.onChange();
      });
    this.#turns.set(podId, settled);
    return turn;
  }
}
