/** What one job adds to what its person's jobs have come to. */
export interface Added {
  /** Epoch milliseconds: when it ended, or was asked for. */
  at: number;
  done: number;
  files: number;
  seconds: number;
  usd: number;
}

export type Sum = Omit<Added, 'at'> & { jobs: number };

const NOTHING: Sum = { jobs: 0, done: 0, files: 0, seconds: 0, usd: 0 };

/** What came since a time, of any number of jobs, without going through them: each place has the sum of all before it. */
export class Sums {
  readonly #added: Added[] = [];
  readonly #sums: Sum[] = [NOTHING];

  add(added: Added): void {
    const place = this.#placeOf(added.at + 1);
    this.#added.splice(place, 0, added);
    this.#forgetFrom(place);
  }

  remove(added: Added): void {
    const place = this.#added.indexOf(added, this.#placeOf(added.at));
    if (place < 0) return;
    this.#added.splice(place, 1);
    this.#forgetFrom(place);
  }

  since(at: number): Sum {
    for (let place = this.#sums.length; place <= this.#added.length; place++)
      this.#sums.push(sum(this.#sums[place - 1] ?? NOTHING, this.#added[place - 1]));
    const all = this.#sums.at(-1) ?? NOTHING;
    const before = this.#sums[this.#placeOf(at)] ?? NOTHING;
    return {
      jobs: all.jobs - before.jobs,
      done: all.done - before.done,
      files: all.files - before.files,
      seconds: all.seconds - before.seconds,
      usd: all.usd - before.usd,
    };
  }

  /** The first place whose time is not before that one. */
  #placeOf(at: number): number {
    let [from, to] = [0, this.#added.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#added[middle]?.at ?? 0) < at) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #forgetFrom(place: number): void {
    if (this.#sums.length > place + 1) this.#sums.length = place + 1;
  }
}

function sum(before: Sum, { done, files, seconds, usd }: Omit<Added, 'at'> = { ...NOTHING }): Sum {
  return {
    jobs: before.jobs + 1,
    done: before.done + done,
    files: before.files + files,
    seconds: before.seconds + seconds,
    usd: before.usd + usd,
  };
}
