import { setMaxListeners } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Probes {
  answered: number;
  /** Connections refused, or answered with a 5xx: what a browser would show as an error page. */
  refused: number;
  /** What each of them was told. */
  refusals: string[];
  /** Requests that were under way when the connection to the pod broke. */
  cut: number;
  lastAnswerAt: number;
}

/** Asks for /system_stats every `everyMs`, each time on a connection of its own, until the signal ends it. */
export function probe(port: number, everyMs: number, signal: AbortSignal): Probes {
  const probes: Probes = { answered: 0, refused: 0, refusals: [], cut: 0, lastAnswerAt: 0 };
  setMaxListeners(0, signal);
  const loop = async () => {
    while (!signal.aborted) {
      ask(port, probes, signal);
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    }
  };
  void loop();
  return probes;
}

function ask(port: number, probes: Probes, signal: AbortSignal): void {
  const asked = request(
    { host: '127.0.0.1', port, path: '/system_stats', agent: false, timeout: 60_000 },
    (response) => {
      if (response.statusCode !== 200) {
        probes.refused += 1;
        response.once('data', (body) => probes.refusals.push(`${response.statusCode} ${body}`));
        return;
      }
      response.resume();
      probes.answered += 1;
      probes.lastAnswerAt = performance.now();
    },
  );
  const end = () => asked.destroy();
  signal.addEventListener('abort', end, { once: true });
  asked.once('close', () => signal.removeEventListener('abort', end));
  asked.once('error', (error: NodeJS.ErrnoException) => {
    if (signal.aborted) return;
    if (error.code === 'ECONNREFUSED') {
      probes.refused += 1;
      probes.refusals.push(error.message);
    } else probes.cut += 1;
  });
  asked.end();
}

/** Asks one request after the other on a connection it keeps, until the signal ends it; tells how many failed, and why. */
export function probeKept(
  port: number,
  everyMs: number,
  signal: AbortSignal,
): { answered: number; failures: string[] } {
  const told = { answered: 0, failures: [] as string[] };
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const askOnce = () =>
    new Promise<void>((resolve) => {
      const asked = request({ host: '127.0.0.1', port, path: '/system_stats', agent }, (response) => {
        if (response.statusCode !== 200) told.failures.push(`HTTP ${response.statusCode}`);
        response.resume().once('close', resolve);
        response.once('end', () => {
          told.answered += 1;
        });
      });
      asked.once('error', (error: NodeJS.ErrnoException) => {
        if (!signal.aborted) told.failures.push(error.code ?? error.message);
        resolve();
      });
      asked.end();
    });
  const loop = async () => {
    while (!signal.aborted) {
      await askOnce();
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    }
    agent.destroy();
  };
  void loop();
  return told;
}
