import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const shim = pathToFileURL(join(import.meta.dirname, 'shift-clock.mjs')).href;

/** A wall clock that can be set while programs run by it. */
export class WallClock {
  readonly #file: string;

  constructor(folder: string, offMs = 0) {
    this.#file = join(folder, 'shift-clock');
    this.set(offMs);
  }

  /** What a program needs in its environment to have this clock; those it starts have it, too. */
  get env(): NodeJS.ProcessEnv {
    return { NODE_OPTIONS: `--import ${shim}`, SHIFT_CLOCK: this.#file };
  }

  /** Sets it so many milliseconds off this machine's. */
  set(offMs: number): void {
    writeFileSync(this.#file, String(offMs));
  }

  /** Time by it. */
  now(offMs: number): Date {
    return new Date(Date.now() + offMs);
  }
}
