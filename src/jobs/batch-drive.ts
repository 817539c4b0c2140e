import type { BatchFacts, JobFacts, JobState } from '../machines/job-types.ts';
import { hasEnded, type JobRecord, jobRecord, jobState } from '../store/job-record.ts';
import type { JobEnvironment, PodStanding } from './environment.ts';
import { JobDrive } from './job-drive.ts';
import { notRun, Tally } from './tally.ts';

/** Jobs that ComfyUI has or is about to get: one runs, and the next one waits, so that its queue is never empty. */
const AT_COMFYUI = 2;
/** As many where they are shorter than it may take to hand over the next. */
const AT_COMFYUI_SHORT = 4;
const SHORT_MS = 3_000;
/** Jobs of one pod in memory, those included whose files are on their way. */
const AT_A_POD = 8;

const HANDING_OVER: readonly JobState[] = ['reconciling', 'preparing', 'uploading', 'submitting'];

/** One batch at work: gives its jobs to its pods as these get free, and takes them back from pods that are no more. */
export class BatchDrive {
  readonly batchId: string;
  readonly #env: JobEnvironment;
  readonly #drives = new Map<string, JobDrive>();
  readonly #tally = new Tally();
  /** Jobs that no pod has, in their order. */
  #waiting: string[] = [];
  #facts: BatchFacts | undefined;
  #endedPods: string[] = [];
  #standings: ReadonlyMap<string, PodStanding> = new Map();
  #turn: Promise<void> = Promise.resolve();
  #isTurnDue = false;
  #isLoaded = false;
  #isStopped = false;
  #isFinished = false;

  constructor(env: JobEnvironment, batchId: string) {
    this.#env = env;
    this.batchId = batchId;
  }

  get isFinished(): boolean {
    return this.#isFinished;
  }

  get facts(): BatchFacts | undefined {
    return this.#facts;
  }

  /** Whether something is left for a pod, or may be. */
  needs(podId: string): boolean {
    return (
      !this.#isFinished && (this.#at(podId).length > 0 || (this.#takes(podId) && this.#waiting.length > 0))
    );
  }

  /** Jobs of the pod that are more than waiting. */
  worksAt(podId: string): number {
    return this.#at(podId).filter(({ state }) => state !== 'waitingForPod').length;
  }

  get view() {
    const states = [...this.#drives.values()].map(({ state }) => state);
    const waiting = this.#waiting.map((): JobState => 'waitingForPod');
    const stopAt = (podId: string) => this.#env.pods.stopAt(podId);
    const pods = Object.fromEntries(
      [...this.#standings].filter(([podId]) => !this.#endedPods.includes(podId)),
    );
    return { ...this.#tally.view([...states, ...waiting], this.#facts, stopAt), pods };
  }

  stateOf(jobId: string): JobState | undefined {
    return this.#drives.get(jobId)?.state;
  }

  /** Looks at everything again, soon. */
  look(): void {
    if (this.#isTurnDue || this.#isStopped) return;
    this.#isTurnDue = true;
    this.#turn = this.#turn
      .then(() => this.#takeTurn())
      .catch((error: Error) => this.#env.log(`batch ${this.batchId}: ${error.message}`));
  }

  /** Takes what others have asked of the jobs or changed of the batch. Resolves when that is done. */
  async heed(): Promise<void> {
    await Promise.all([...this.#drives.values()].map((drive) => drive.heed()));
    this.#turn = this.#turn.then(() => this.#reload()).catch(() => undefined);
    this.look();
    await this.#turn;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#turn;
    await Promise.all([...this.#drives.values()].map((drive) => drive.stop()));
  }

  // Reads what no drive has in memory.
  async #reload(): Promise<void> {
    const { store } = this.#env;
    const record = await store.batchRecord(this.batchId);
    if (!store.isThere) throw new Error('the home is away');
    this.#facts = record?.facts;
    this.#endedPods = record?.endedPods ?? [];
    this.#tally.clear();
    this.#waiting = [];
    for await (const job of store.ofBatch(this.batchId)) await this.#take(job);
    this.#isLoaded = true;
    this.#isFinished = false;
  }

  async #take(record: JobRecord): Promise<void> {
    const { facts } = record;
    if (this.#drives.has(facts.jobId)) return;
    if (hasEnded(record)) return this.#tally.add(facts, jobState(record));
    // It ended since it was read, unless it was begun again.
    if (this.#tally.has(facts.jobId)) {
      const now = await this.#env.store.get(facts.jobId);
      if (!now || hasEnded(now)) return;
    }
    if (facts.podId !== null) this.#begin(facts, facts.podId);
    else if (facts.asked === 'cancel') await this.#leaveOut(facts, null);
    else this.#waiting.push(facts.jobId);
  }

  async #takeTurn(): Promise<void> {
    this.#isTurnDue = false;
    // What nobody can read now is not lost.
    if (!this.#env.store.isThere) return;
    if (!this.#isLoaded) await this.#reload();
    const { podIds = [] } = this.#facts ?? {};
    const used = new Set([...podIds, ...[...this.#drives.values()].map(({ podId }) => podId)]);
    const standings = new Map<string, PodStanding>();
    for (const podId of used) standings.set(podId, await this.#standing(podId));
    this.#standings = standings;
    for (const [podId, standing] of standings)
      if (standing === 'gone' || standing === 'stopped') await this.#takeBack(podId);
    await this.#leaveOutWhatIsNotToRun();
    // Each gets one before one gets a second.
    const enough = (this.#tally.meanMs ?? SHORT_MS) < SHORT_MS ? AT_COMFYUI_SHORT : AT_COMFYUI;
    for (let most = 1; most <= enough; most++)
      for (const podId of podIds) if (standings.get(podId) === 'ready') await this.#feed(podId, most);
    const isHopeless = podIds.every((podId) => standings.get(podId) === 'gone');
    if (isHopeless) await this.#giveUp(podIds.at(-1) ?? '');
    const isAllEnded = await this.#endPods(standings);
    if (this.#waiting.length > 0 || this.#drives.size > 0 || this.#isFinished || !isAllEnded) return;
    await this.#env.store.noteBatch(this.batchId, { isFinished: true });
    this.#isFinished = true;
  }

  #standing(podId: string): Promise<PodStanding> {
    return this.#env.pods.standing(podId).catch((error: Error): PodStanding => {
      this.#env.log(`batch ${this.batchId}: pod ${podId} does not say how it stands: ${error.message}`);
      return 'unreachable';
    });
  }

  async #feed(podId: string, most: number): Promise<void> {
    const own = this.#at(podId);
    const atComfy = own.filter(({ state }) => state !== 'downloading').length;
    if (atComfy >= most || own.length >= AT_A_POD) return;
    // One is handed over after the other, so that they keep their order.
    if (own.some(({ state }) => HANDING_OVER.includes(state))) return;
    if (this.#facts?.onError === 'stop' && own.some(({ hasFailed }) => hasFailed)) return;
    if (!this.#tally.mayBegin(this.#facts, this.#drives.size)) return;
    const jobId = this.#waiting.shift();
    const record = jobId && (await this.#env.store.get(jobId).catch(() => undefined));
    if (record && !hasEnded(record)) this.#begin(record.facts, podId);
    else if (jobId) this.look();
  }

  #begin(facts: JobFacts, podId: string): void {
    const drive = new JobDrive(this.#env, facts, podId, () => this.look());
    this.#drives.set(facts.jobId, drive);
    drive.ended.then(
      (end) => this.#finish(drive, end),
      (error: Error) => {
        if (!this.#isStopped) this.#env.log(`job ${facts.jobId} cannot go on: ${error.message}`);
      },
    );
  }

  #finish(drive: JobDrive, facts: JobFacts): void {
    if (!this.#drives.delete(drive.jobId)) return;
    this.#tally.add(facts, drive.state);
    void drive.stop();
    if (drive.state === 'failed' && this.#facts?.onError === 'stop')
      for (const other of this.#drives.values())
        if (other.state === 'queued')
          void this.#env.store.ask(other.jobId, 'cancel').then(() => other.heed());
    this.look();
  }

  /** A pod that is no more gives its jobs back; they are the next to be given. */
  async #takeBack(podId: string): Promise<void> {
    const drives = this.#at(podId);
    await Promise.all(drives.map((drive) => drive.giveBack()));
    const back = drives.filter(({ jobId }) => this.#drives.delete(jobId)).map(({ jobId }) => jobId);
    if (back.length > 0) this.#env.log(`pod ${podId} gives back ${back.join(', ')}`);
    this.#waiting.unshift(...back);
  }

  async #leaveOutWhatIsNotToRun(): Promise<void> {
    const why = this.#tally.whyNotRun(this.#facts);
    if (!why) return;
    for (const facts of await this.#allWaiting()) await this.#leaveOut(facts, why);
  }

  async #giveUp(podId: string): Promise<void> {
    for (const facts of await this.#allWaiting())
      await this.#leaveOut(facts, { code: 'podGone', detail: { podId } }, 'failed');
  }

  async #allWaiting(): Promise<JobFacts[]> {
    const waiting = this.#waiting;
    this.#waiting = [];
    const records = await Promise.all(waiting.map((id) => this.#env.store.get(id).catch(() => undefined)));
    return records.flatMap((record) => (record && !hasEnded(record) ? [record.facts] : []));
  }

  async #leaveOut(
    facts: JobFacts,
    failure: JobFacts['failure'],
    to: 'cancelled' | 'failed' = 'cancelled',
  ): Promise<void> {
    const { store, journal } = this.#env;
    await store.update(facts.jobId, (record) => jobRecord({ ...record.facts, failure }, to));
    const entry = { at: new Date().toISOString(), machine: 'job@1', id: facts.jobId, from: 'waitingForPod' };
    await journal.append({ ...entry, event: notRun(failure), to, reason: failure?.code });
    this.#tally.add({ ...facts, failure }, to);
  }

  /** Stops or ends each pod of the batch's own for which nothing is left; whether that is so of all of them. */
  async #endPods(standings: Map<string, PodStanding>): Promise<boolean> {
    const { then = 'keep', rented = [] } = this.#facts ?? {};
    if (then === 'keep') return true;
    if (this.#waiting.length > 0) return false;
    const left = rented.filter((podId) => !this.#endedPods.includes(podId));
    // What could not be kept here is still on its pod.
    const due = left.filter((podId) => !this.#tally.hasFilesAt(podId));
    const free = due.filter(
      (podId) => this.#at(podId).length === 0 && !this.#env.isNeededElsewhere(podId, this.batchId),
    );
    for (const podId of free) {
      if (standings.get(podId) !== 'gone') await this.#env.pods.end(podId, then);
      this.#endedPods = [...this.#endedPods, podId];
      await this.#env.store.noteBatch(this.batchId, { endedPods: this.#endedPods });
    }
    return due.length === free.length;
  }

  #at(podId: string): JobDrive[] {
    return [...this.#drives.values()].filter((drive) => drive.podId === podId);
  }

  #takes(podId: string): boolean {
    return this.#facts?.podIds.includes(podId) ?? true;
  }
}
