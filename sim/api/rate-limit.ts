import { Problem } from './answer.ts';

const WINDOWS = [
  { name: 'minute', seconds: 60, factor: 1 },
  { name: 'hour', seconds: 3600, factor: 50 },
  { name: 'day', seconds: 86_400, factor: 800 },
] as const;

/** Counts requests in a minute, an hour and a day, and words them as RunPod's headers do. */
export class RateLimit {
  readonly #perMinute: () => number;
  readonly #windows = WINDOWS.map((window) => ({ ...window, used: 0, endsAt: 0 }));

  constructor(perMinute: () => number) {
    this.#perMinute = perMinute;
  }

  /** Counts one request and returns the headers of its answer. @throws Problem 429 when a window is used up */
  count(now = Date.now()): Record<string, string> {
    for (const window of this.#windows) {
      if (now >= window.endsAt) Object.assign(window, { used: 0, endsAt: now + window.seconds * 1000 });
    }
    const full = this.#windows.find((window) => window.used >= this.#quota(window.factor));
    if (full) {
      throw new Problem(429, `rate limit exceeded for the ${full.name} window`, {
        headers: { ...this.#headers(now), 'retry-after': String(secondsLeft(full.endsAt, now)) },
      });
    }
    for (const window of this.#windows) window.used += 1;
    return this.#headers(now);
  }

  #quota(factor: number): number {
    return this.#perMinute() * factor;
  }

  #headers(now: number): Record<string, string> {
    const state = this.#windows.map(({ name, factor, used, endsAt }) => {
      const remaining = Math.max(0, this.#quota(factor) - used);
      return `"${name}";r=${remaining};t=${secondsLeft(endsAt, now)}`;
    });
    const policy = WINDOWS.map(
      ({ name, factor, seconds }) => `"${name}";q=${this.#quota(factor)};w=${seconds}`,
    );
    return { ratelimit: state.join(', '), 'ratelimit-policy': policy.join(', ') };
  }
}

function secondsLeft(endsAt: number, now: number): number {
  return Math.max(1, Math.ceil((endsAt - now) / 1000));
}
