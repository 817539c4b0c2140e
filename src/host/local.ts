import type { AnyStateMachine, EventObject } from 'xstate';
import { begin, type Saved, type Step, step, type Work, workDone, workFailed } from './step.ts';

/** What a piece of work is given. */
export interface Working<Input = never> {
  input: Input;
  /** Aborted when the machine is past it. */
  signal: AbortSignal;
  /** Tells the machine something meanwhile. */
  send: (event: EventObject) => void;
}

export type Works = Record<string, (working: Working) => Promise<unknown>>;

/** A machine and all that it is joined to. */
export interface Hosted<Context> {
  machine: AnyStateMachine;
  /** Facts: what is saved of an earlier run of it, or of none. */
  input: unknown;
  /** By the names the machine gives it. */
  works: Works;
  /** Resolves once a state is on disk: no work of it begins before. What it throws ends the run. */
  save: (saved: Saved<Context>) => Promise<void>;
  /** Told of each change of state once it is saved. A failure of it is no failure of the run. */
  journal: (step: Step<Context>) => Promise<void>;
  /** States in which the run ends besides the final ones: the machine may be begun again from there. */
  rests?: (saved: Saved<Context>) => boolean;
  /** Told of every step as it is taken. */
  inspect?: ((step: Step<Context>) => void) | undefined;
}

/** One machine at work in this process. */
export interface Run<Context> {
  send: (event: EventObject) => void;
  /** Where it is now. */
  readonly saved: Saved<Context>;
  /** Where it ended; rejects with what `save` threw, and never settles once it was stopped. */
  ended: Promise<Saved<Context>>;
  /** Ends all work and leaves the machine where it is saved. Resolves when nothing more is written. */
  stop: () => Promise<void>;
}

/**
 * Runs a machine here: takes one event after the other, saves where it led, tells the journal, and only then begins the
 * work of the state. A run that was cut off anywhere is begun again from its facts.
 */
export function runHere<Context>(hosted: Hosted<Context>): Run<Context> {
  const { machine, works, save, journal, inspect, rests } = hosted;
  const atWork = new Map<string, AbortController>();
  /** With the work that tells it, which counts only while it lasts. */
  const waiting: { event: EventObject; by?: AbortSignal }[] = [];
  const first = begin<Context>(machine, hosted.input);
  let current = first;
  let isOver = false;
  let isTaking = false;
  let end: (saved: Saved<Context>) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const ended = new Promise<Saved<Context>>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  ended.catch(() => undefined); // whoever waits for it hears of it

  const quit = () => {
    isOver = true;
    for (const working of atWork.values()) working.abort();
  };

  const beginWork = ({ id, src, input }: Work): void => {
    const work = works[src];
    if (!work) throw new Error(`no work ${src}`);
    const controller = new AbortController();
    atWork.set(id, controller);
    const { signal } = controller;
    const tell = (event: EventObject) => take({ event, by: signal });
    work({ input: input as never, signal, send: tell }).then(
      (output) => tell(workDone(id, output)),
      (error: unknown) => tell(workFailed(id, error)),
    );
  };

  /** Ends what the machine is past, keeps where it is, and begins what belongs to it. */
  const settle = async (taken: Step<Context>): Promise<void> => {
    current = taken;
    const renewed = taken.begun.map(({ id }) => id);
    for (const [id, working] of atWork) {
      if (taken.atWork.includes(id) && !renewed.includes(id)) continue;
      atWork.delete(id);
      working.abort();
    }
    inspect?.(taken);
    await save(taken.saved);
    if (taken.from !== taken.to) await journal(taken).catch(() => undefined);
    if (isOver) return;
    const isAtRest = taken.isFinal || rests?.(taken.saved) === true;
    if (!isAtRest) for (const work of taken.begun) beginWork(work);
    if (!isAtRest) return;
    isOver = true;
    end(taken.saved);
  };

  const takeAll = async (begun?: Step<Context>): Promise<void> => {
    isTaking = true;
    try {
      if (begun) await settle(begun);
      for (let next = waiting.shift(); next && !isOver; next = waiting.shift())
        if (!next.by?.aborted) await settle(step(machine, current.saved, next.event));
    } catch (error) {
      quit();
      fail(error);
    } finally {
      isTaking = false;
    }
  };

  const take = (told: { event: EventObject; by?: AbortSignal }): void => {
    if (isOver || told.by?.aborted) return;
    waiting.push(told);
    if (!isTaking) turn = takeAll();
  };

  let turn = takeAll(first);
  return {
    send: (event) => take({ event }),
    get saved() {
      return current.saved;
    },
    ended,
    stop: async () => {
      quit();
      await turn;
    },
  };
}
