import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Api } from './api/server.ts';
import { Control } from './control/control.ts';
import { parseScenario, type ScenarioInput } from './scenario.ts';
import { requestUrl } from './url.ts';
import { World } from './world/world.ts';

const HOST = '127.0.0.1';
const KEEP_ALIVE_MS = 60_000;

export interface SimulatorOptions {
  /** 0, the default, takes any free port. */
  port?: number;
  /** The key it accepts; `sim-key` by default. */
  apiKey?: string;
  scenario?: ScenarioInput;
  log?: (line: string) => void;
  /** Called when the control route asks for the end; without it the simulator closes itself. */
  onShutdown?: () => void;
}

export interface Simulator {
  /** What `AUTOPOD_API_URL` is set to. */
  url: string;
  controlUrl: string;
  world: World;
  /** Ends everything: no socket, timer or listener is left. */
  close(): Promise<void>;
}

/** Starts RunPod's API, its pods and their ComfyUIs on loopback, in this process. @throws ScenarioError */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { port = 0, apiKey = 'sim-key', scenario, log = () => {} } = options;
  const world = new World(parseScenario(scenario));
  world.on('status', (pod) => log(`pod ${pod.id} ${pod.status}`));
  const api = new Api(world, { apiKey, log });
  const control = new Control(world, () => (options.onShutdown ? options.onShutdown() : void close()));
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const url = requestUrl(request);
    const listener = /^\/sim(\/|$)/.test(url.pathname) ? control : api;
    void listener.handle(request, response, url);
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(port, HOST);
  await once(server, 'listening');

  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= end();
    return closing;
  };
  const end = async () => {
    server.close();
    server.closeAllConnections();
    await Promise.all([once(server, 'close'), world.close()]);
  };

  const base = `http://${HOST}:${(server.address() as AddressInfo).port}`;
  return { url: `${base}/v2`, controlUrl: `${base}/sim`, world, close };
}
