import { once } from 'node:events';
import { loadScenario } from './scenario.ts';
import { startSimulator } from './simulator.ts';

export interface SimArguments {
  port?: number;
  /** A JSON file; see `scenario.ts`. */
  scenario?: string;
  apiKey?: string;
  /** One JSON line instead of words. */
  json?: boolean;
}

/**
 * Serves the simulator until it is interrupted or told to shut down. Resolves to the exit code.
 *
 * @throws ScenarioError, or the error of a port that is taken (`syscall` is `listen`).
 */
export async function runSim({
  port,
  scenario,
  apiKey = 'sim-key',
  json = false,
}: SimArguments): Promise<number> {
  const ended = new AbortController();
  const end = () => ended.abort();
  try {
    const simulator = await startSimulator({
      apiKey,
      onShutdown: end,
      ...(port !== undefined && { port }),
      ...(scenario !== undefined && { scenario: await loadScenario(scenario) }),
      ...(!json && { log: (line: string) => process.stderr.write(`${line}\n`) }),
    });
    process.once('SIGINT', end).once('SIGTERM', end);
    process.stdout.write(json ? announcement(simulator, apiKey) : usage(simulator, apiKey));
    if (!ended.signal.aborted) await once(ended.signal, 'abort');
    await simulator.close();
    return 0;
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
  }
}

interface Addresses {
  url: string;
  controlUrl: string;
}

function announcement({ url, controlUrl }: Addresses, apiKey: string): string {
  return `${JSON.stringify({ url, controlUrl, apiKey, pid: process.pid })}\n`;
}

function usage({ url, controlUrl }: Addresses, apiKey: string): string {
  return `A simulated RunPod answers at ${url}. Pods cost nothing here and live as long as this process.

In any other terminal (it takes an ssh key in ~/.ssh):

  export AUTOPOD_API_URL=${url}
  export RUNPOD_API_KEY=${apiKey}
  export AUTOPOD_HOME="$HOME/.autopod-rehearsal"
  autopod up

Look inside and script faults at ${controlUrl}. Ctrl-C ends it.

`;
}
