import type { Note } from '../../lifecycle/environment.ts';
import type { Output } from '../output/output.ts';
import { printable } from '../output/printable.ts';
import { noteWords } from '../text/notes.ts';
import { podStateWords } from '../text/states.ts';
import { ImagePull } from './image-pull.ts';

/** Notes worth a line of their own even where nothing is redrawn: what has happened, and each wait as it begins. */
const LASTING: Note['kind'][] = [
  'leftOut',
  'trying',
  'created',
  'adopted',
  'brokenEnded',
  'twinTerminated',
  'twinSeen',
  'powerTaken',
  'keysUnread',
  'launchLimited',
  'billingUnread',
  'waitingForBuyer',
  'unproven',
  'guard',
  'tookPort',
  'stateSetAside',
  'waitingForApi',
  'lookingFurther',
];
/** Lines of the pod's log worth keeping on screen. */
const MILESTONE = /create container|pulling from|start container|to see the gui|error/i;

/** For a pod that runs already this is over at once: it is told when it lasts so many milliseconds, or something happens in it. */
const MAY_BE_OVER = 'booting';
const LASTS_MS = 1_500;

/** Milliseconds below which nobody wonders how long a state usually takes. */
const WORTH_TELLING_MS = 5_000;

export interface Progress {
  onState: (state: string, hasVolume: boolean) => void;
  tell: (note: Note) => void;
  end: () => void;
}

/**
 * The progress of one pod on stderr: one line for each change with how long it usually takes, in milliseconds by
 * state, and on a terminal a last line that is redrawn with what the state waits for and how long.
 */
export function showProgress(out: Output, usual: Map<string, number>, begun = performance.now()): Progress {
  if (out.isJson) return { onState: () => undefined, tell: () => undefined, end: () => undefined };
  const liveLine = out.isLive ? new LiveLine(out, begun) : undefined;
  const pull = new ImagePull();
  let lastLine = '';
  /** Each look finds these again. */
  const seen = new Set<string>();
  let held: { tell: () => void; timer: NodeJS.Timeout } | undefined;
  const print = (line: string, at = elapsed(begun)) => {
    if (line === lastLine) return;
    lastLine = line;
    liveLine?.clear();
    out.say(`${at}  ${line}`);
  };
  const release = (isTold: boolean) => {
    clearTimeout(held?.timer);
    const { tell } = held ?? {};
    held = undefined;
    if (isTold) tell?.();
  };
  return {
    onState: (state, hasVolume) => {
      release(false);
      const usualMs = usual.get(state) ?? 0;
      const words = podStateWords(state, hasVolume);
      const line = usualMs < WORTH_TELLING_MS ? words : `${words} (usually ${clock(usualMs)})`;
      const at = elapsed(begun);
      const tell = () => {
        print(line, at);
        liveLine?.start(words);
      };
      if (state === MAY_BE_OVER) held = { tell, timer: setTimeout(() => release(true), LASTS_MS) };
      else tell();
    },
    tell: (note) => {
      release(true);
      const pulled = note.kind === 'podLog' ? pull.read(note.line) : undefined;
      const words = pulled?.words ?? printable(noteWords(note)).trim();
      const isMilestone = pulled?.isMilestone ?? (note.kind === 'podLog' && MILESTONE.test(note.line));
      if (note.kind === 'twinSeen') {
        if (seen.has(note.podId)) return;
        seen.add(note.podId);
      }
      if (isMilestone || LASTING.includes(note.kind)) print(`  ${words}`);
      else liveLine?.detail(words);
    },
    end: () => {
      release(false);
      liveLine?.stop();
    },
  };
}

/** Time since `from`, by performance.now(), as `  1:05`. */
export function elapsed(from: number): string {
  return clock(performance.now() - from).padStart(6);
}

function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** The line at the bottom of a terminal that tells what is waited for. */
export class LiveLine {
  readonly #out: Output;
  readonly #begun: number;
  #timer: NodeJS.Timeout | undefined;
  #title = '';
  #detail = '';

  constructor(out: Output, begun: number) {
    this.#out = out;
    this.#begun = begun;
  }

  start(title: string): void {
    this.#title = title;
    this.#detail = '';
    this.#timer ??= setInterval(() => this.#draw(), 250);
    this.#draw();
  }

  detail(detail: string): void {
    this.#detail = detail;
    this.#draw();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.clear();
  }

  clear(): void {
    this.#out.redraw('');
  }

  #draw(): void {
    this.#out.redraw(`${elapsed(this.#begun)}  ${this.#title}… ${this.#detail}`);
  }
}
