import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Of proc(5): clock ticks are hundredths of a second on every Linux. */
const TICKS = 100;

/** Seconds of processor time that a process has had (Linux). */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** MiB (Linux). */
export function residentOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Bytes that a folder takes; files end while it is looked through. */
export function diskOf(folder: string): number {
  const sizes = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => {
    const file = statSync(join(folder, name), { throwIfNoEntry: false });
    return file?.isFile() ? file.blocks * 512 : 0;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** What a quarter of the work took. */
export interface Quarter {
  /** Pieces of work. */
  count: number;
  seconds: number;
  /** By process: seconds of processor time, and MiB at its end. */
  cpu: Record<string, number>;
  resident: Record<string, number>;
  more: Record<string, number>;
}

/** Takes down a row each time another quarter is done. */
export class Quarters {
  readonly rows: Quarter[] = [];
  readonly #total: number;
  readonly #pids: Record<string, number>;
  #from = performance.now();
  #done = 0;
  #isNoting = false;
  #cpu: Record<string, number>;

  constructor(total: number, pids: Record<string, number>) {
    this.#total = total;
    this.#pids = pids;
    this.#cpu = this.#each(cpuSeconds);
  }

  /** `more` is asked for at the end of a quarter, outside of the time that counts. */
  async note(done: number, more: () => Promise<Record<string, number>>): Promise<void> {
    const isDue = done >= Math.round((this.#total * (this.rows.length + 1)) / 4);
    if (!isDue || this.#isNoting || this.rows.length === 4) return;
    this.#isNoting = true;
    const seconds = (performance.now() - this.#from) / 1_000;
    const cpu = this.#each(cpuSeconds);
    const used = Object.fromEntries(
      Object.entries(cpu).map(([name, all]) => [name, all - (this.#cpu[name] ?? 0)]),
    );
    const resident = this.#each(residentOf);
    // What is stopped on the way has told something.
    process.stderr.write(
      `quarter ${this.rows.length + 1}: ${((done - this.#done) / seconds).toFixed(1)} a second\n`,
    );
    this.rows.push({ count: done - this.#done, seconds, cpu: used, resident, more: await more() });
    this.#done = done;
    this.#cpu = this.#each(cpuSeconds);
    this.#from = performance.now();
    this.#isNoting = false;
  }

  #each(measure: (pid: number) => number): Record<string, number> {
    return Object.fromEntries(Object.entries(this.#pids).map(([name, pid]) => [name, measure(pid)]));
  }
}
