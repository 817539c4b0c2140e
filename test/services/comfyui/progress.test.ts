import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import type { JobProgress } from '../../../src/machines/job-types.ts';
import { findPrompt, submitPrompt, watchProgress } from '../../../src/services/comfyui/index.ts';
import { ProgressReading } from '../../../src/services/comfyui/progress-reading.ts';
import { until } from '../../support/until.ts';
import { kindOf, NEVER, play, recorded, serve, VERSIONS } from './support/serve.ts';

const SLOW = (seconds: number) =>
  JSON.stringify({ '1': { class_type: 'SimSleep', inputs: { seconds, steps: 10 } } });

function read(messages: { t: number; text: unknown }[], promptId: string, nodeCount = 3): JobProgress[] {
  const reading = new ProgressReading({ promptId, titles: { '2': 'rig node' }, nodeCount });
  return messages.flatMap(({ t, text }) => (reading.take(text, t * 1000) ? reading.progress : []));
}
const promptOf = (messages: { text: { data: { prompt_id?: string } } }[]) =>
  messages.find(({ text }) => text.data.prompt_id)?.text.data.prompt_id ?? '';

describe.each(VERSIONS)('as ComfyUI %s tells it', (version) => {
  it.each(['progress', 'noClientId'])(
    '%s: node, title, steps and time left come from its messages',
    (name) => {
      const messages = recorded(version)[name];
      const told = read(messages, promptOf(messages));
      const steps = told.filter(({ nodeId, step }) => nodeId === '2' && step !== null);
      const [first] = steps;
      const of = first?.steps ?? 0;
      expect(first).toMatchObject({ title: 'rig node', step: 1, leftMs: null });
      const second = steps.find(({ step }) => step === 2);
      // A step takes a tenth of a second there.
      expect(Math.abs((second?.leftMs ?? 0) - (of - 2) * 100)).toBeLessThan(60);
      expect(steps.at(-1)).toMatchObject({ step: of, leftMs: 0 });
      expect(Math.max(...told.map(({ nodesDone }) => nodesDone))).toBeGreaterThan(1);
    },
  );

  it('messages of another prompt say nothing of ours', () => {
    expect(read(recorded(version).progress, randomUUID())).toEqual([]);
  });

  it('a prompt is followed from its place in the queue to its end, by whoever comes', async () => {
    await using comfy = await play({ version });
    const [first, ours] = [randomUUID(), randomUUID()];
    await submitPrompt(comfy.way, { promptId: first, prompt: SLOW(0.6), workflow: null }, NEVER);
    await submitPrompt(comfy.way, { promptId: ours, prompt: SLOW(1), workflow: null }, NEVER);
    const told: JobProgress[] = [];
    const watched = { promptId: ours, titles: { '1': 'Wait' }, nodeCount: 1 };
    await watchProgress(comfy.way, watched, (progress) => told.push(progress), NEVER);
    expect(told[0]?.place).toBe(1);
    expect(told.find(({ step }) => step !== null)).toMatchObject({
      place: null,
      nodeId: '1',
      title: 'Wait',
      steps: 10,
      nodes: 1,
    });
    expect(told.some(({ leftMs }) => leftMs !== null && leftMs > 0)).toBe(true);
    await until('in the history', async () => (await kindOf(findPrompt(comfy.way, ours, NEVER))) === 'done');
  });

  it('a prompt that ComfyUI forgets in a restart is followed no longer', async () => {
    await using comfy = await play({ version });
    const promptId = randomUUID();
    await submitPrompt(comfy.way, { promptId, prompt: SLOW(60), workflow: null }, NEVER);
    const told: JobProgress[] = [];
    const watching = watchProgress(
      comfy.way,
      { promptId, titles: {}, nodeCount: 1 },
      (progress) => told.push(progress),
      NEVER,
    );
    await until('it runs', () => told.some(({ step }) => step !== null));
    comfy.comfyui.stop();
    comfy.comfyui.start();
    await watching;
    expect(await findPrompt(comfy.way, promptId, NEVER)).toEqual({ kind: 'unknown' });
  });
});

describe('what early versions say', () => {
  const reading = () => new ProgressReading({ promptId: 'p', titles: { '4': 'Sampler' }, nodeCount: 3 });

  it('steps without a prompt or a node are ours while ours runs, at the node that was begun', () => {
    const ours = reading();
    expect(ours.take({ type: 'progress', data: { value: 1, max: 20 } }, 0)).toBe(false);
    ours.queued(null);
    ours.take({ type: 'executing', data: { node: '4' } }, 0);
    ours.take({ type: 'progress', data: { value: 1, max: 20 } }, 1_000);
    ours.take({ type: 'progress', data: { value: 6, max: 20 } }, 3_500);
    expect(ours.progress).toMatchObject({ nodeId: '4', title: 'Sampler', step: 6, steps: 20, leftMs: 7_000 });
  });

  it('nodes that were cached or left count as done', () => {
    const ours = reading();
    ours.take({ type: 'execution_cached', data: { prompt_id: 'p', nodes: ['1', '2'] } }, 0);
    ours.take({ type: 'executing', data: { node: '4', prompt_id: 'p' } }, 0);
    expect(ours.progress.nodesDone).toBe(2);
    ours.take({ type: 'executing', data: { node: null, prompt_id: 'p' } }, 0);
    expect(ours.progress).toMatchObject({ nodesDone: 3, nodeId: null, step: null });
  });
});

it('a sampler that begins anew, or has other steps, does not make the time left wrong', () => {
  const ours = new ProgressReading({ promptId: 'p', titles: {}, nodeCount: 1 });
  const step = (value: number, max: number, at: number) =>
    ours.take({ type: 'progress', data: { value, max, prompt_id: 'p', node: '1' } }, at);
  step(1, 10, 0);
  step(10, 10, 9_000);
  step(1, 10, 20_000);
  expect(ours.progress.leftMs).toBe(null);
  step(2, 10, 20_500);
  expect(ours.progress.leftMs).toBe(4_000);
  step(1, 4, 21_000);
  expect(ours.progress.leftMs).toBe(null);
});

it.each([
  ['nonsense'],
  [{ type: 'progress_state', data: null }],
  [{ type: 'progress', data: { value: null } }],
  [null],
])('a message that is none is passed over: %j', (message) => {
  const ours = new ProgressReading({ promptId: 'p', titles: {}, nodeCount: 1 });
  expect(ours.take(message, 0)).toBe(false);
});

it('each connection has an id of its own, and a lost one is made again', async () => {
  const sockets = new WebSocketServer({ noServer: true });
  const ids: string[] = [];
  let isOver = false;
  await using server = await serve((_, response) =>
    response.end(JSON.stringify({ queue_running: isOver ? [] : [[1, 'p', {}, {}, []]], queue_pending: [] })),
  );
  server.server.on('upgrade', (request, stream, head) => {
    expect(request.headers.origin).toBeUndefined();
    ids.push(new URL(request.url ?? '', 'http://x').searchParams.get('clientId') ?? '');
    sockets.handleUpgrade(request, stream, head, (socket) => {
      if (ids.length < 3) return socket.terminate();
      isOver = true;
      socket.send(JSON.stringify({ type: 'status', data: {} }));
    });
  });
  await watchProgress(server.way, { promptId: 'p', titles: {}, nodeCount: 1 }, () => {}, NEVER);
  expect(ids.length).toBe(3);
  expect(new Set(ids).size).toBe(3);
});

it('a server without a socket is followed by its queue', async () => {
  let asked = 0;
  await using server = await serve((_, response) => {
    asked += 1;
    const item = [1, 'p', {}, {}, []];
    response.end(JSON.stringify({ queue_running: asked === 1 ? [item] : [], queue_pending: [] }));
  });
  const told: JobProgress[] = [];
  await watchProgress(server.way, { promptId: 'p', titles: {}, nodeCount: 1 }, (p) => told.push(p), NEVER);
  expect(told).toMatchObject([{ place: null }]);
});

it('an abort ends it, with its socket, and nothing is told any more', async () => {
  await using comfy = await play();
  const promptId = randomUUID();
  await submitPrompt(comfy.way, { promptId, prompt: SLOW(60), workflow: null }, NEVER);
  const controller = new AbortController();
  let isTold = false;
  const watching = watchProgress(
    comfy.way,
    { promptId, titles: {}, nodeCount: 1 },
    () => {
      isTold = true;
    },
    controller.signal,
  );
  await until('it is told', () => isTold);
  controller.abort();
  await watching;
  await until('no connection is left', () => comfy.comfyui.connectionCount === 0);
});
