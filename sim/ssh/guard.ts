/** What autopod's guard in a pod was asked for, in seconds; its own words for it. */
interface Orders {
  seq: number;
  /** By the clock of who asked. */
  now: number;
  deadline: number;
  idle: number;
  alone: number;
  /** Of grace for an owner who was heard of just now. */
  lead: number;
  verb: string;
  program: string;
  off: number;
}

/** The pod as its guard sees it. */
export interface Guarded {
  /** Whether it could be ended from inside: the pod has a key of its own. */
  hasKey: () => boolean;
  isRunning: () => boolean;
  /** Words for what it is at; null for nothing. */
  work: () => string | null;
  hasJob: () => boolean;
  end: (verb: string) => void;
  say: (line: string) => void;
}

const LOOK_MS = 250;

/** Plays the guard by its rules, for a pod without a shell of its own. It ends with the container. */
export class Guard {
  readonly #pod: Guarded;
  #orders: Orders | undefined;
  #timer: NodeJS.Timeout | undefined;
  #state = 'none';
  #why = '';
  #gotAt = 0;
  #beatAt = 0;
  #usedAt = 0;
  #before = '';
  /** Number of the orders that called it off; earlier ones are not taken any more. */
  #offSeq = 0;
  #workUntil = 0;

  constructor(pod: Guarded) {
    this.#pod = pod;
  }

  get state(): string {
    return this.#state;
  }

  /** Epoch milliseconds by the clock of who asked; 0 for none. */
  get deadlineMs(): number {
    return (this.#orders?.deadline ?? 0) * 1000;
  }

  /** One session of autopod's: what it is told, and what is printed. */
  session(verb: string, script: string): string {
    if (verb === 'arm') return this.#arm(script);
    if (this.#orders) {
      this.#beatAt = Date.now();
      const [unused = 0, work = 0] = (/ beat (\d+) (\d+)/.exec(script) ?? []).slice(1).map(Number);
      this.#workUntil = Date.now() + work * 1000;
      this.#usedAt = Math.max(this.#usedAt, Date.now() - unused * 1000);
    }
    return this.#report();
  }

  /** The container has ended, and what ran in it. */
  stop(): void {
    this.#end();
    this.#offSeq = 0;
    this.#state = 'none';
  }

  #end(): void {
    clearInterval(this.#timer);
    this.#orders = undefined;
    this.#workUntil = 0;
  }

  #arm(script: string): string {
    const text = /<<'END-OF-ORDERS'\n([\s\S]*?)END-OF-ORDERS/.exec(script)?.[1] ?? '';
    const asked = ordersIn(text);
    if (!/^end$/m.test(text)) return this.#report('its orders did not arrive whole');
    if (Math.max(this.#orders?.seq ?? 0, this.#offSeq) > asked.seq) return this.#report();
    if (asked.off) {
      if (this.#orders) {
        this.#offSeq = asked.seq;
        this.#state = 'off';
      }
      this.#end();
      return this.#report();
    }
    if (!this.#pod.hasKey()) return this.#report('the pod has no key of its own');
    if (!this.#orders) this.#usedAt = Date.now();
    this.#offSeq = 0;
    this.#orders = asked;
    this.#gotAt = this.#beatAt = Date.now();
    this.#state = 'armed';
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
    return this.#report();
  }

  #look(): void {
    const orders = this.#orders;
    if (!orders || !this.#pod.isRunning()) return;
    const now = Date.now();
    if (this.#pod.work() !== null) this.#usedAt = now;
    const reason = this.#reason(orders, now);
    if (reason === undefined || this.#pod.hasJob() || now < this.#workUntil) {
      this.#state = reason === undefined ? 'armed' : 'due';
      this.#why =
        reason === undefined
          ? ''
          : `${reason.why}; waits for ${this.#pod.hasJob() ? 'a job of ComfyUI' : 'work of autopod'}`;
      return;
    }
    this.#state = 'fired';
    this.#why = reason.why;
    this.#before = `${Math.floor(this.#ours(orders, now))} ${reason.kind} ${orders.verb} ${reason.why}`;
    this.#pod.say(`autopod guard: ending this pod (${orders.verb}): ${reason.why} [fired ${this.#before}]`);
    this.#pod.end(orders.verb);
  }

  #reason(
    { deadline, idle, alone, ...orders }: Orders,
    now: number,
  ): { kind: string; why: string } | undefined {
    const silent = (now - this.#beatAt) / 1000;
    const quiet = (now - this.#usedAt) / 1000;
    const ours = this.#ours({ deadline, idle, alone, ...orders }, now);
    // Its owner, if there, is about to end the pod itself.
    const lead = silent < 60 ? orders.lead : 0;
    if (deadline > 0 && ours >= deadline + lead) return { kind: 'time', why: 'its time was up' };
    if (idle > 0 && quiet >= idle + lead)
      return { kind: 'idle', why: `idle for ${Math.floor(quiet / 60)} min` };
    if (alone > 0 && silent >= alone && quiet >= Math.min(60, alone))
      return { kind: 'alone', why: `nothing heard of its owner for ${Math.floor(silent / 60)} min` };
    return undefined;
  }

  #ours({ now: said }: Orders, now: number): number {
    return said + (now - this.#gotAt) / 1000;
  }

  #report(refused?: string): string {
    const orders = this.#orders;
    const told = orders && {
      seq: orders.seq,
      deadline: orders.deadline,
      idle: orders.idle,
      alone: orders.alone,
      verb: orders.verb,
      program: orders.program,
      why: this.#why,
      at: Math.floor(this.#ours(orders, Date.now())),
    };
    const all = {
      state: this.#state,
      ...(this.#offSeq > 0 && { seq: this.#offSeq }),
      ...told,
      ...(refused && { refused }),
      ...(this.#before && { before: this.#before }),
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}=${value}\n`);
    return `autopod-guard begin\n${lines.join('')}autopod-guard end\n`;
  }
}

function ordersIn(text: string): Orders {
  const of = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';
  const number = (name: string) => Number(of(name) || 0);
  return {
    seq: number('seq'),
    now: number('now'),
    deadline: number('deadline'),
    idle: number('idle'),
    alone: number('alone'),
    lead: number('lead'),
    verb: of('verb') || 'stop',
    program: of('program'),
    off: number('off'),
  };
}
