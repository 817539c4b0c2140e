import { onTestFinished } from 'vitest';
import { INSTANT, type ScenarioInput } from '../../../sim/scenario.ts';
import { type Simulator, startSimulator } from '../../../sim/simulator.ts';
import type { Pod } from '../../../sim/world/pod.ts';

export const A40 = 'NVIDIA A40';

/** A simulator without latencies that checks each of its answers against the API document. */
export async function simulate(scenario: ScenarioInput = {}): Promise<Simulator> {
  const simulator = await startSimulator({
    scenario: { latencies: INSTANT, checkAnswers: true, ...scenario },
  });
  onTestFinished(() => simulator.close());
  return simulator;
}

export interface Reply {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  body: any;
}

export interface CallOptions {
  body?: unknown;
  headers?: Record<string, string>;
  key?: string | null;
}

/** One request to the API, with the key unless another, or none, is given. */
export async function call(
  { url }: { url: string },
  method: string,
  path: string,
  { body, headers, key = 'sim-key' }: CallOptions = {},
): Promise<Reply> {
  const response = await fetch(url + path, {
    method,
    headers: { ...(key !== null && { authorization: `Bearer ${key}` }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

/** One request to the control route. */
export async function control(
  { controlUrl }: { controlUrl: string },
  method: string,
  path: string,
  body?: unknown,
): Promise<Reply> {
  return call({ url: controlUrl }, method, path, { key: null, ...(body !== undefined && { body }) });
}

export function podRequest(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: 'test',
    image: 'runpod/comfyui:latest',
    gpu: { id: A40, count: 1 },
    ports: ['22/tcp'],
    ...changes,
  };
}

/** Creates a pod over the API and finds it in the world. */
export async function createPod(simulator: Simulator, changes: Record<string, unknown> = {}): Promise<Pod> {
  const { status, body } = await call(simulator, 'POST', '/pods', { body: podRequest(changes) });
  if (status !== 201) throw new Error(`create answered ${status}: ${JSON.stringify(body)}`);
  return simulator.world.pod(body.id);
}

/** A pod whose ComfyUI answers. */
export async function readyPod(simulator: Simulator, changes: Record<string, unknown> = {}): Promise<Pod> {
  const pod = await createPod(simulator, changes);
  await ready(simulator, pod);
  return pod;
}

export function ready({ world }: Simulator, pod: Pod): Promise<void> {
  return world.until(() => pod.comfyui.state === 'up');
}
