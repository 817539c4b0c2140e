import type { AnyStateMachine, EventObject } from 'xstate';
import type { Failure } from '../../errors.ts';
import type { Saved, Step } from '../../host/step.ts';

/** A piece of work as it is begun: all that whoever does it is told, wherever that is. */
export interface Task {
  id: string;
  src: string;
  input: unknown;
  /** Counts up within the key: what a task of an earlier turn tells counts no more. */
  turn: number;
  /** Epoch milliseconds at which the work began, however often it has been taken up since. */
  begunAt: number;
  /** Epoch milliseconds at which whoever asked gives up. */
  until: number;
}

/** What a piece of work is given each time it is taken up. */
export interface Doing {
  key: string;
  task: Task;
  input: never;
  /** Aborted when the machine is past it, when its box is over, and when this worker ends. */
  signal: AbortSignal;
  /** Tells the machine something meanwhile. */
  send: (event: EventObject) => void;
}

export interface DurableWork {
  run: (doing: Doing) => Promise<unknown>;
  /**
   * It may be cut off and taken up again at any moment, so it is done in boxes of that many milliseconds: a step of many
   * minutes would be begun again by the engine while the first still runs.
   */
  boxMs?: number;
  /**
   * It is begun once. When its worker died on the way nobody knows what it has done, and this failure tells the machine
   * so instead of doing it a second time.
   */
  whenCutOff?: Failure;
  /** Where its outcome is clear from its input alone: what that is at a time, epoch milliseconds. It is not begun then. */
  known?: (input: never) => ((now: number) => unknown) | undefined;
}

/** Whoever asked for a step, and until when they wait. */
export interface Asker {
  /** A person's name. */
  who: string;
  /** As in `Task`. */
  until: number;
}

/** A time at which the engine itself tells the machine something, whoever sleeps then. */
export interface Alarm {
  /** Epoch milliseconds. */
  at: number;
  /** Of an alarm that was set anew since, the call that rings it counts no more. */
  generation: number;
  /** Who set it. */
  who: string;
}

export interface ScheduleRequest {
  /** Epoch milliseconds; null takes the alarm back. */
  at: number | null;
  who: string;
  /** One that rings sooner stays. */
  isOnlySooner?: boolean;
}

/** What an alarm does. */
export interface Ringing<Context> {
  event: EventObject;
  /** The machine is where an alarm shall bring it: there is none any more. */
  isDone: (saved: Saved<Context>) => boolean;
  /** Milliseconds after which it rings again as long as that is not so. */
  againMs: number;
}

/** What one key has come to. */
export interface Standing<Context> {
  saved: Saved<Context>;
  isFinal: boolean;
  asker: Asker;
  /** Work under way, with the invocation that does it. */
  atWork: Record<string, { turn: number; invocation: string }>;
  turn: number;
  /** When it is told something by itself. */
  alarm?: Alarm | null;
  /** Why nothing goes on since: a state could not be kept. Whoever asks for something next begins again from here. */
  halted?: Failure;
}

/** A machine and all that it is joined to, as virtual object: a key for each run of it. */
export interface Durable<Context> {
  /** Of the virtual object. */
  name: string;
  machine: AnyStateMachine;
  /** By the names the machine gives it. */
  works: Record<string, DurableWork>;
  /**
   * Told of every step before its work begins; after a crash perhaps twice. A thrown AutopodError halts the machine where
   * it was before, anything else is tried again, for ever where nobody waits for an answer. One that is passing is followed
   * by the next at once.
   */
  keep: (key: string, step: Step<Context>, asker: Asker, isPassing: boolean) => Promise<void>;
  /** Milliseconds between two tries to keep a step, at most. */
  keepAgainMs?: number;
  ringing?: Ringing<Context>;
  /** What others are told of a step that is kept; each word arrives once. */
  tells?: (key: string, step: Step<Context>) => Word[];
  /** A run that has ended is forgotten by the engine: what `keep` has kept is all that is asked for later. */
  isForgotten?: boolean;
}

/** A call of a handler of another virtual object, whose answer nobody waits for. */
export interface Word {
  object: string;
  key: string;
  handler: string;
  json: unknown;
}

export interface BeginRequest {
  /** Facts: the machine's input. */
  input: unknown;
  asker: Asker;
  /** Somebody waits for the answer, and is told where it cannot be kept. */
  isAwaited?: boolean;
}

export interface AskRequest {
  event: EventObject;
  asker: Asker;
  /** As in `BeginRequest`. */
  isAwaited?: boolean;
}

/** What a key's handlers answer: where it is, or why not. */
export type Answer<Context> = { standing: Standing<Context>; isNew?: boolean } | { failure: Failure };
