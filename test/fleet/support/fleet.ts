import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ScenarioInput } from '../../../sim/scenario.ts';
import type { LaunchView, UpAnswer } from '../../../src/fleet/wire.ts';
import type { JournalEntry } from '../../../src/store/journal.ts';
import { freePort } from '../../support/free-port.ts';
import { until } from '../../support/until.ts';
import { startWorld, type TestWorld } from '../../support/world.ts';

export const WISH = {
  name: 'studio',
  image: 'runpod/comfyui:latest',
  gpuPreferences: ['RTX A40'],
  gpuCount: 1,
  diskGb: 20,
  cloud: 'SECURE',
  volumeMount: '/workspace',
  exposedPorts: [],
};

const PUBLIC_KEY = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${'A'.repeat(43)}`;

export interface Answered {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  body: any;
}

/** Somebody with a token, by HTTP alone. */
export interface TestMember {
  token: string;
  get: (path: string) => Promise<Answered>;
  post: (path: string, body?: unknown) => Promise<Answered>;
  up: (changes?: object) => Promise<UpAnswer>;
  /** Waits until the launch is there. */
  reaches: (launchId: string, state: string) => Promise<LaunchView>;
}

/** A world whose home serves a fleet by a process of its own. */
export interface TestFleet extends TestWorld {
  url: string;
  /** Files of the fleet's own home. */
  file: (...names: string[]) => string;
  member: (name: string, role?: string) => Promise<TestMember>;
  pids: () => { serve: number; restate: number };
  /** Serves again, as after a kill; what runs is ended first, by its own way. */
  serveAgain: (env?: NodeJS.ProcessEnv) => Promise<void>;
  journal: () => JournalEntry[];
}

export async function startFleet(
  scenario: ScenarioInput = {},
  env: NodeJS.ProcessEnv = {},
  args: string[] = [],
): Promise<TestFleet> {
  const world = await startWorld(scenario);
  let serving: { child: ChildProcess; ended: Promise<unknown> };
  const file = (...names: string[]) => join(world.home, 'fleet', ...names);
  const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
  const serve = async (more: NodeJS.ProcessEnv) => {
    const at = fleet.url ? new URL(fleet.url).port : await freePort();
    serving = world.start(['serve', '--listen', `127.0.0.1:${at}`, '--json', ...args], more);
    serving.child.stdout?.setEncoding('utf8');
    const said = await Promise.race([once(serving.child.stdout ?? process, 'data'), serving.ended]);
    const [line] = said as [string];
    const { url } = typeof line === 'string' ? JSON.parse(line) : {};
    if (!url) throw new Error(`not served: ${JSON.stringify(said)}`);
    fleet.url = url;
  };
  const fleet: TestFleet = {
    ...world,
    url: '',
    file,
    member: (name, role = 'member') => member(fleet, name, role),
    pids: () => ({ serve: serving.child.pid ?? 0, restate: readJson(file('restate', 'server.json')).pid }),
    serveAgain: async (more = env) => {
      serving.child.kill('SIGTERM');
      await serving.ended;
      await serve(more);
    },
    journal: () =>
      readFileSync(file('journal.jsonl'), 'utf8')
        .split('\n')
        .flatMap((line) => (line ? [JSON.parse(line)] : [])),
    end: async () => {
      serving.child.kill('SIGTERM');
      await serving.ended;
      await world.end();
    },
  };
  await serve(env);
  return fleet;
}

async function member(fleet: TestFleet, name: string, role: string): Promise<TestMember> {
  const invited = await fleet.autopod(['serve', 'invite', name, '--role', role, '--json']);
  const [, invite] = JSON.parse(invited.stdout).url.split('#');
  const { body } = await ask(fleet.url, 'POST', '/v1/login', { invite, publicKey: `${PUBLIC_KEY} ${name}` });
  const token: string = body.token;
  const get = (path: string) => ask(fleet.url, 'GET', path, undefined, token);
  const post = (path: string, json: unknown = { timeoutMs: 60_000 }) =>
    ask(fleet.url, 'POST', path, json, token);
  return {
    token,
    get,
    post,
    up: async (changes = {}) => {
      const request = { launchId: randomUUID(), isNew: false, wish: WISH, timeoutMs: 60_000, ...changes };
      const { status, body: answer } = await post('/v1/up', request);
      if (status !== 200) throw new Error(`up: ${status} ${JSON.stringify(answer)}`);
      return answer;
    },
    reaches: (launchId, state) =>
      until(`${launchId} is ${state}`, async () => {
        const { body: view } = await get(`/v1/launches/${launchId}`).catch(() => ({ body: {} }));
        if (view.state === 'failed' && state !== 'failed') throw new Error(JSON.stringify(view.failure));
        return view.state === state ? view : undefined;
      }),
  };
}

export async function ask(
  url: string,
  method: string,
  path: string,
  json?: unknown,
  token?: string,
): Promise<Answered> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(json !== undefined && { 'content-type': 'application/json' }),
    },
    ...(json !== undefined && { body: typeof json === 'string' ? json : JSON.stringify(json) }),
  });
  return { status: response.status, body: await response.json().catch(() => undefined) };
}
