import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod';
import { Problem } from '../api/answer.ts';
import { parseScenario, ScenarioError } from '../scenario.ts';
import type { World } from '../world/world.ts';
import { mergePatch, readJson } from './json.ts';
import { POD_CONTROLS } from './pod-controls.ts';
import { stateOf } from './state.ts';

const HELP = {
  'GET /sim/state': 'pods with their internals, counts of creates and requests',
  'GET /sim/requests': 'every API request so far',
  'GET /sim/scenario': 'the script as it is now',
  'PATCH /sim/scenario': 'a JSON merge patch of the script',
  'POST /sim/faults': 'one fault or several, added to those still to come',
  'DELETE /sim/faults': 'forgets the faults still to come',
  'POST /sim/bystanders': '`{count, clusterId?}`: adds stopped pods of somebody else',
  [`POST /sim/pods/ID/{${Object.keys(POD_CONTROLS).join(',')}}`]: 'acts on one pod',
  'POST /sim/shutdown': 'ends the simulator',
};

const bystandersBody = z.strictObject({
  count: z.int().positive().max(10_000),
  /** Makes them members of this cluster. */
  clusterId: z.string().optional(),
});

/** The script of the simulator, over HTTP, for tests in other processes. */
export class Control {
  readonly #world: World;
  readonly #shutdown: () => void;

  constructor(world: World, shutdown: () => void) {
    this.#world = world;
    this.#shutdown = shutdown;
  }

  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    try {
      reply(response, 200, await this.#act(request, url));
    } catch (error) {
      const { status, detail } = describe(error);
      reply(response, status, { error: detail });
    }
  }

  async #act(request: IncomingMessage, url: URL): Promise<unknown> {
    const world = this.#world;
    const route = `${request.method} ${url.pathname.replace(/\/$/, '')}`;
    const [, podId, control] = /^POST \/sim\/pods\/([^/]+)\/([\w-]+)$/.exec(route) ?? [];
    if (podId && control) return this.#controlPod(podId, control, await readJson(request));
    switch (route) {
      case 'GET /sim':
        return HELP;
      case 'GET /sim/state':
        return stateOf(world);
      case 'GET /sim/requests':
        return { requests: world.requests.entries };
      case 'GET /sim/scenario':
        return world.scenario;
      case 'PATCH /sim/scenario':
        world.rewrite(mergePatch(world.scenario, await readJson(request)));
        return world.scenario;
      case 'POST /sim/faults': {
        const { faults } = parseScenario({ faults: [await readJson(request)].flat() });
        world.addFaults(faults);
        return { pendingFaults: world.faults.pending };
      }
      case 'POST /sim/bystanders':
        world.addBystanders(bystandersBody.parse(await readJson(request)));
        return { podCount: world.pods.size };
      case 'DELETE /sim/faults':
        world.faults.clear();
        return { pendingFaults: [] };
      case 'POST /sim/shutdown':
        setImmediate(this.#shutdown);
        return {};
      default:
        throw new Problem(404, `no such control: ${route}; GET /sim lists them`);
    }
  }

  async #controlPod(podId: string, control: string, body: unknown): Promise<unknown> {
    const act = Object.hasOwn(POD_CONTROLS, control) ? POD_CONTROLS[control] : undefined;
    if (!act)
      throw new Problem(
        404,
        `no such control: ${control}; there are ${Object.keys(POD_CONTROLS).join(', ')}`,
      );
    await act(this.#world, this.#world.pod(podId), body);
    this.#world.changed();
    return stateOf(this.#world);
  }
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function describe(error: unknown): { status: number; detail: string } {
  if (error instanceof Problem) return { status: error.status, detail: error.message };
  if (error instanceof ScenarioError) return { status: 422, detail: error.message };
  if (error instanceof z.ZodError) return { status: 422, detail: z.prettifyError(error) };
  return { status: 500, detail: error instanceof Error ? error.message : String(error) };
}
