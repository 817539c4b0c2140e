import { request } from 'node:http';
import type { KeeperTimings } from './timings.ts';
import { wayTo } from './way-to.ts';

/** Asks ComfyUI through the forward now and then, so that "the tunnel is fine, ComfyUI is down" can be told. */
export class ComfyProbe {
  verdict: 'answering' | 'down' | 'unknown' = 'unknown';
  readonly #timings: Pick<KeeperTimings, 'comfyAnsweringMs' | 'comfyDownMs'>;
  #way: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(timings: Pick<KeeperTimings, 'comfyAnsweringMs' | 'comfyDownMs'>) {
    this.#timings = timings;
  }

  /** The Unix socket to ask through from now on; undefined pauses. */
  follow(way: string | undefined): void {
    if (way === this.#way) return;
    this.#way = way;
    clearTimeout(this.#timer);
    this.verdict = 'unknown';
    if (way !== undefined) void this.#ask(way);
  }

  stop(): void {
    this.follow(undefined);
  }

  async #ask(way: string): Promise<void> {
    const isAnswering = await answers(way);
    if (way !== this.#way) return;
    this.verdict = isAnswering ? 'answering' : 'down';
    const pauseMs = isAnswering ? this.#timings.comfyAnsweringMs : this.#timings.comfyDownMs;
    this.#timer = setTimeout(() => void this.#ask(way), pauseMs);
  }
}

async function answers(socketPath: string): Promise<boolean> {
  return (await getThrough(socketPath, '/system_stats')) !== undefined;
}

/** The body of a 200, asked through a forward; undefined for any other answer, none, or one of more than `mostBytes`. */
export function getThrough(
  socketPath: string,
  path: string,
  mostBytes = Number.POSITIVE_INFINITY,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const headers = { host: '127.0.0.1:8188' };
    const asked = request(
      { socketPath: wayTo(socketPath), path, headers, agent: false, timeout: 10_000 },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > mostBytes) asked.destroy();
          else chunks.push(chunk);
        });
        response.once('end', () =>
          resolve(response.statusCode === 200 ? Buffer.concat(chunks).toString() : undefined),
        );
        response.once('close', () => resolve(undefined));
      },
    );
    asked.once('timeout', () => asked.destroy());
    asked.once('error', () => resolve(undefined));
    asked.end();
  });
}
