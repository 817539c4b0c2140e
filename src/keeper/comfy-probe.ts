import { request } from 'node:http';
import { connect } from 'node:tls';
import { type Answer, type Answerer, answererOf } from '../services/answerer.ts';
import type { KeeperTimings } from './timings.ts';
import { wayTo } from './way-to.ts';

/** Milliseconds within which a TLS server answers a hello. */
const TLS_MS = 2_000;
/** More than ComfyUI says of itself. */
const MOST_STATS_BYTES = 1024 * 1024;

/** Asks ComfyUI through the forward now and then, so that "the tunnel is fine, ComfyUI is down" can be told. */
export class ComfyProbe {
  verdict: 'answering' | 'down' | 'other' | 'unknown' = 'unknown';
  /** What answers in ComfyUI's place, in words. */
  answeredBy: string | undefined;
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
    this.answeredBy = undefined;
    if (way !== undefined) void this.#ask(way);
  }

  stop(): void {
    this.follow(undefined);
  }

  async #ask(way: string): Promise<void> {
    const answerer = await whoAnswers(way);
    if (way !== this.#way) return;
    this.verdict = VERDICTS[answerer.kind];
    this.answeredBy = answerer.kind === 'other' ? answerer.what : undefined;
    const pauseMs = this.verdict === 'answering' ? this.#timings.comfyAnsweringMs : this.#timings.comfyDownMs;
    this.#timer = setTimeout(() => void this.#ask(way), pauseMs);
  }
}

const VERDICTS = { comfyui: 'answering', nobody: 'down', other: 'other' } as const;

/** Who answers at the other end of a forward. */
export async function whoAnswers(socketPath: string): Promise<Answerer> {
  const answer = await ask(socketPath, '/system_stats', MOST_STATS_BYTES);
  if (answer === 'silence') return { kind: 'nobody' };
  if (answer !== 'closed') return answererOf(answer);
  // A TLS server ends a connection that does not begin with a hello of TLS.
  return (await speaksTls(socketPath))
    ? { kind: 'other', what: 'something that wants HTTPS' }
    : { kind: 'nobody' };
}

/** The body of a 200, asked through a forward; undefined for any other answer, none, or one of more than `mostBytes`. */
export async function getThrough(
  socketPath: string,
  path: string,
  mostBytes = Number.POSITIVE_INFINITY,
): Promise<string | undefined> {
  const answer = await ask(socketPath, path, mostBytes);
  return typeof answer === 'object' && answer.status === 200 ? answer.body : undefined;
}

/** An answer, a connection closed without a whole one, or nothing in time. */
function ask(socketPath: string, path: string, mostBytes: number): Promise<Answer | 'closed' | 'silence'> {
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
        response.once('end', () => {
          const body = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        });
        response.once('close', () => resolve('silence'));
      },
    );
    asked.once('timeout', () => {
      resolve('silence');
      asked.destroy();
    });
    asked.once('error', () => resolve('closed'));
    asked.end();
  });
}

function speaksTls(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    // Nothing is sent to it; whether its certificate is trusted does not matter.
    const socket = connect({ path: wayTo(socketPath), rejectUnauthorized: false, timeout: TLS_MS });
    const finish = (speaks: boolean) => {
      socket.destroy();
      resolve(speaks);
    };
    socket.once('secureConnect', () => finish(true));
    socket.once('timeout', () => finish(false)).once('error', () => finish(false));
    socket.once('close', () => finish(false));
  });
}
