export type LogSource = 'container' | 'system';

export interface LogLine {
  source: LogSource;
  line: string;
  /** RFC 3339 with nanoseconds; never the same twice in one book. */
  ts: string;
}

/** What a pod has said so far, for reading back and for following. */
export class LogBook {
  readonly lines: LogLine[] = [];
  readonly #followers = new Set<(line: LogLine) => void>();
  #lastNanos = 0n;

  add(source: LogSource, ...texts: string[]): void {
    for (const line of texts) {
      const entry = { source, line, ts: this.#stamp() };
      this.lines.push(entry);
      for (const follower of this.#followers) follower(entry);
    }
  }

  /** Calls back with each line still to come, until the returned function is called. */
  follow(follower: (line: LogLine) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  #stamp(): string {
    const now = BigInt(Date.now()) * 1_000_000n;
    this.#lastNanos = now > this.#lastNanos ? now : this.#lastNanos + 1000n;
    const seconds = new Date(Number(this.#lastNanos / 1_000_000n)).toISOString().slice(0, 19);
    return `${seconds}.${String(this.#lastNanos % 1_000_000_000n).padStart(9, '0')}Z`;
  }
}

/** Nanoseconds since the epoch of an RFC 3339 timestamp. */
export function nanosOf(timestamp: string): bigint {
  const fraction = /\.(\d+)/.exec(timestamp)?.[1] ?? '';
  const wholeSeconds = Date.parse(timestamp.replace(/\.\d+/, ''));
  return BigInt(wholeSeconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9));
}
