import { AutopodError } from '../errors.ts';
import type { KeeperClient } from '../keeper/client.ts';
import type { ChooseContext } from '../lifecycle/choose.ts';
import { Deadline } from '../lifecycle/deadline.ts';
import type { DriveContext } from '../lifecycle/drive.ts';
import type { Note } from '../lifecycle/environment.ts';
import type { PodRecordFacts, PodStore } from '../lifecycle/pod-records.ts';
import type { Config } from '../services/config.ts';
import type { LimitOptions, Limits } from '../services/limits.ts';
import type { RunPod } from '../services/runpod/client.ts';
import type { PodSeen } from '../services/runpod/pod-state.ts';
import type { PrivateKey } from '../services/ssh/key.ts';
import type { FleetLogin } from '../store/fleet-login.ts';
import { type Home, homePath, openHome } from '../store/home.ts';
import type { Journal } from '../store/journal.ts';
import { presentIdentity } from '../store/presence.ts';
import type { Output } from './output/output.ts';
import { text } from './text.ts';

/** What a fleet's pods may cost is said where it is served. */
const NO_LIMITS: Limits = {
  maxPods: undefined,
  maxPerHour: undefined,
  maxPerDay: undefined,
  maxPerLaunch: undefined,
};

/** Everything a command works with. Each part is loaded when first asked for, so light commands stay light. */
export class Context {
  readonly env: NodeJS.ProcessEnv;
  readonly out: Output;
  /** Ends every wait: with Ctrl-C, and with the deadline. */
  readonly signal: AbortSignal;
  readonly deadline = new Deadline();
  /** The command line that goes on with what this one is at; undefined as long as there is nothing to go on with. */
  resume: string | undefined;
  /** The record this command brings to where it shall be. */
  atWork: string | undefined;
  /** Whether anything may have been asked for that changes a pod. */
  hasBegun = false;
  /** What this command line says of the user's limits. */
  limitOptions: LimitOptions = {};
  /** The fleet whose pods this command is about; undefined for the pods of this machine. */
  fleet: FleetLogin | undefined;
  readonly #once = new Map<string, unknown>();

  constructor(env: NodeJS.ProcessEnv, out: Output, signal: AbortSignal) {
    this.env = env;
    this.out = out;
    this.signal = AbortSignal.any([signal, this.deadline.signal]);
  }

  home(): Home {
    return this.#memo('home', () => openHome(homePath(this.env)));
  }

  config(): Promise<Config> {
    return this.#memo('config', async (): Promise<Config> => {
      const { loadConfig } = await import('../services/config.ts');
      const config = await loadConfig(this.home().config, this.env);
      if (!this.fleet) return config;
      // What asks where a pod is asks the fleet, which knows no key of RunPod's but its own.
      const { apiOfFleet } = await import('../store/fleet-login.ts');
      return { ...config, apiUrl: apiOfFleet(this.fleet), apiKey: this.fleet.token, limits: NO_LIMITS };
    });
  }

  /** The limits in force: what this command line says over the configuration. */
  async limits(): Promise<Limits> {
    const { limitsInForce } = await import('../services/limits.ts');
    return limitsInForce((await this.config()).limits, this.limitOptions);
  }

  /** Throws `apiKeyMissing` before anything is asked of RunPod. */
  runpod(): Promise<RunPod> {
    return this.#memo('runpod', async () => {
      const { apiUrl, apiKey } = await this.config();
      if (!apiKey) throw new AutopodError('apiKeyMissing', { file: this.home().config });
      const { createRunPod } = await import('../services/runpod/client.ts');
      const trace = this.env.AUTOPOD_DEBUG ? { trace: (line: string) => this.out.say(line) } : {};
      const onPause = (pauseMs: number) => this.out.say(text.waitingForQuota(pauseMs / 1000));
      const { tellingSilence } = await import('../services/runpod/silence.ts');
      return tellingSilence(createRunPod({ apiUrl, apiKey, onPause, ...trace }), () =>
        this.out.say(text.waitingForAnswer(this.deadline.leftMs / 1000)),
      );
    });
  }

  keeper(): Promise<KeeperClient> {
    return this.#memo('keeper', async () => {
      const { keeperClient } = await import('../keeper/client.ts');
      return keeperClient(this.home(), this.env);
    });
  }

  pods(): Promise<PodStore> {
    return this.#memo('pods', async () => {
      const { RecordStore } = await import('../store/records.ts');
      const { pods: path, locks } = this.home();
      const onSetAside = (from: string, to: string) => this.out.say(text.stateSetAside(from, to));
      return new RecordStore<PodRecordFacts>({ path, locks, onSetAside });
    });
  }

  journal(): Promise<Journal> {
    return this.#memo('journal', async () => {
      const { Journal } = await import('../store/journal.ts');
      return new Journal(this.home().journal);
    });
  }

  privateKey(): Promise<PrivateKey> {
    return this.#memo('privateKey', async () => {
      const { usePrivateKey } = await import('../services/ssh/key.ts');
      return usePrivateKey((await this.config()).sshKeyPath, this.env);
    });
  }

  /** What choosing a pod needs; a pod that turns out to be gone is told. */
  async choosing(): Promise<ChooseContext> {
    const { timingsFrom } = await import('../lifecycle/timings.ts');
    return {
      home: this.home(),
      pods: await this.pods(),
      journal: await this.journal(),
      runpod: await this.runpod(),
      keeper: await this.keeper(),
      timings: timingsFrom(this.env),
      ownPublicKey: () =>
        this.privateKey().then(
          ({ publicKey }) => publicKey,
          () => undefined,
        ),
      onGone: (podId) => this.out.say(text.gone(podId)),
    };
  }

  /** What driving a pod needs, with its watchers. */
  async driving(
    watch: Pick<DriveContext, 'onState' | 'inspect'> & { tell: (note: Note) => void },
  ): Promise<DriveContext> {
    const { timingsFrom } = await import('../lifecycle/timings.ts');
    const [runpod, keeper, pods, journal] = await Promise.all([
      this.runpod(),
      this.keeper(),
      this.pods(),
      this.journal(),
    ]);
    const { spending } = await import('../lifecycle/spending.ts');
    const { limitLaunch } = await import('../lifecycle/limit-launch.ts');
    const { bookRun } = await import('../store/ledger.ts');
    const { noteEndedRun } = await import('../store/runs.ts');
    const { costSighting } = await import('../services/runpod/pod-state.ts');
    // From here on it goes on even where autopod is updated or removed under it: all it may need is loaded.
    await Promise.all([keeper.prepare(), import('../services/ssh/key.ts')]);
    const { apiUrl, apiKey } = await this.config();
    const account = { apiUrl, apiKey };
    const shared = {
      account,
      runpod,
      keeper,
      timings: timingsFrom(this.env),
      deadline: this.deadline,
      privateKey: () => this.privateKey(),
      tell: watch.tell,
      limits: await this.limits(),
      pods,
      home: this.home(),
    };
    const env = {
      ...shared,
      spend: spending(shared),
      limitLaunch: async (podId: string, signal: AbortSignal) => {
        const plan = await limitLaunch(shared, podId, signal);
        if (plan) watch.tell({ kind: 'launchLimited', podId, plan });
      },
      self: () => presentIdentity(this.home().locks),
      book: async (seen: PodSeen, isLast: boolean) => {
        await bookRun(pods, costSighting(seen), isLast);
        if (isLast) await noteEndedRun(this.home(), seen);
      },
    };
    return { env, home: this.home(), pods, journal, onState: watch.onState, inspect: watch.inspect };
  }

  #memo<T>(name: string, make: () => T): T {
    if (!this.#once.has(name)) this.#once.set(name, make());
    return this.#once.get(name) as T;
  }
}
