import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  deletePending,
  findPrompt,
  interruptPrompt,
  objectInfo,
  submitPrompt,
} from '../../../src/services/comfyui/index.ts';
import { until } from '../../support/until.ts';
import { bodyOf, kindOf, NEVER, play, recorded, serve, VERSIONS } from './support/serve.ts';

const EMPTY = '{"queue_running":[],"queue_pending":[]}';
const slow = (seconds: number) =>
  JSON.stringify({
    '1': { class_type: 'SimSleep', inputs: { seconds, steps: 20 }, _meta: { title: 'Wait' } },
  });

/** A server with this history. */
const remembering = (body: unknown) =>
  serve((request, response) => {
    if (request.url === '/queue') return response.end(EMPTY);
    if (request.url?.startsWith('/history/')) return response.end(JSON.stringify(body));
    response.writeHead(404).end();
  });
const foundIn = async (body: object) => {
  await using server = await remembering(body);
  return await findPrompt(server.way, Object.keys(body)[0] ?? '', NEVER);
};

describe.each(VERSIONS)('as ComfyUI %s tells it', (version) => {
  const answers = recorded(version);

  it('what succeeded has its files and the milliseconds it ran', async () => {
    const found = await foundIn(answers.success.body);
    expect(found).toMatchObject({
      kind: 'done',
      ranMs: 2,
      outputs: [
        { nodeId: '3', n: 0, filename: 'success_00001_.png', subfolder: '', type: 'output', path: null },
      ],
    });
  });

  it('what was cached has its files as well', async () => {
    expect(await foundIn(answers.cached.body)).toMatchObject({ kind: 'done', outputs: [{ nodeId: '3' }] });
  });

  it('previews are told as such, subfolders are kept', async () => {
    expect(await foundIn(answers.preview.body)).toMatchObject({ kind: 'done', outputs: [{ type: 'temp' }] });
    expect(await foundIn(answers.subfolder.body)).toMatchObject({ outputs: [{ subfolder: 'sub/dir' }] });
  });

  it('what left no files is done without any', async () => {
    expect(await foundIn(answers.websocket.body)).toMatchObject({ kind: 'done', outputs: [] });
  });

  it('an error is promptFailed, with the node, its title and ComfyUI’s own message', async () => {
    expect(await foundIn(answers.error.body)).toMatchObject({
      kind: 'failed',
      outputs: [],
      failure: {
        code: 'promptFailed',
        detail: { nodeId: '2', title: 'rig node', message: 'rig: boom', exception: 'ValueError' },
      },
    });
  });

  it('too little memory on the GPU is gpuOutOfMemory', async () => {
    expect(await foundIn(answers.outOfMemory.body)).toMatchObject({
      kind: 'failed',
      failure: { code: 'gpuOutOfMemory', detail: { nodeId: '2', message: 'CUDA out of memory. (rig)' } },
    });
  });

  it('an interrupt is no failure of the workflow', async () => {
    expect(await foundIn(answers.interrupted.body)).toMatchObject({ kind: 'interrupted' });
  });

  it('the place in the queue is by number, not by the order it lies in', async () => {
    const { queue_running, queue_pending } = answers.queue.body;
    const heap = { queue_running, queue_pending: [...queue_pending].reverse() };
    await using server = await serve((_, response) => response.end(JSON.stringify(heap)));
    const at = (item: unknown[]) => findPrompt(server.way, String(item[1]), NEVER);
    expect(await at(queue_running[0])).toEqual({ kind: 'running' });
    expect(await at(queue_pending[0])).toEqual({ kind: 'pending', place: 1 });
    expect(await at(queue_pending[1])).toEqual({ kind: 'pending', place: 2 });
  });

  it('an unknown prompt is unknown', async () => {
    await using comfy = await play({ version });
    expect(await findPrompt(comfy.way, randomUUID(), NEVER)).toEqual({ kind: 'unknown' });
  });

  it('a pending prompt is taken out, and one that runs is left to run', async () => {
    await using comfy = await play({ version });
    const [running, pending] = [randomUUID(), randomUUID()];
    await submitPrompt(comfy.way, { promptId: running, prompt: slow(30), workflow: null }, NEVER);
    await submitPrompt(comfy.way, { promptId: pending, prompt: slow(31), workflow: null }, NEVER);
    await until('running', async () => (await kindOf(findPrompt(comfy.way, running, NEVER))) === 'running');
    await deletePending(comfy.way, running, NEVER);
    await deletePending(comfy.way, pending, NEVER);
    expect(await kindOf(findPrompt(comfy.way, running, NEVER))).toBe('running');
    expect(await kindOf(findPrompt(comfy.way, pending, NEVER))).toBe('unknown');
  });

  it('an interrupt ends our prompt and no other', async () => {
    await using comfy = await play({ version });
    const [theirs, ours] = [randomUUID(), randomUUID()];
    await submitPrompt(comfy.way, { promptId: theirs, prompt: slow(30), workflow: null }, NEVER);
    await submitPrompt(comfy.way, { promptId: ours, prompt: slow(31), workflow: null }, NEVER);
    await until('running', async () => (await kindOf(findPrompt(comfy.way, theirs, NEVER))) === 'running');
    await interruptPrompt(comfy.way, ours, NEVER);
    expect(await kindOf(findPrompt(comfy.way, theirs, NEVER))).toBe('running');
    await interruptPrompt(comfy.way, theirs, NEVER);
    await until(
      'interrupted',
      async () => (await kindOf(findPrompt(comfy.way, theirs, NEVER))) === 'interrupted',
    );
  });
});

it('nothing is sent to a version that interrupts whatever runs, unless ours does', async () => {
  await using server = await serve(async (request, response) => {
    await bodyOf(request);
    response.end(JSON.stringify({ queue_running: [[1, 'theirs', {}, {}, []]], queue_pending: [] }));
  });
  await interruptPrompt(server.way, 'ours', NEVER);
  expect(server.requests.map(({ line }) => line)).toEqual(['GET /queue']);
});

it('a prompt that ends between the first question and the second is found', async () => {
  const { body } = recorded('0.33.0').success;
  let asked = 0;
  await using server = await serve((request, response) => {
    asked += 1;
    if (request.url === '/queue') return response.end(EMPTY);
    response.end(asked === 2 ? JSON.stringify(body) : '{}');
  });
  expect(await kindOf(findPrompt(server.way, Object.keys(body)[0] ?? '', NEVER))).toBe('done');
});

it('a prompt that arrives after the history was asked is found', async () => {
  let queues = 0;
  await using server = await serve((request, response) => {
    if (request.url !== '/queue') return response.end('{}');
    queues += 1;
    response.end(queues === 1 ? EMPTY : '{"queue_running":[[1,"late",{},{},[]]],"queue_pending":[]}');
  });
  expect(await findPrompt(server.way, 'late', NEVER)).toEqual({ kind: 'running' });
});

it.each([
  ['job', 'done'],
  ['jobFailed', 'failed'],
  ['jobCancelled', 'interrupted'],
  ['jobRunning', 'running'],
  ['jobPending', 'pending'],
  ['jobUnknown', 'unknown'],
])('what only /api/jobs knows is found: %s is %s', async (name, kind) => {
  const { body, status } = recorded('0.33.0')[name];
  await using server = await serve((request, response) => {
    if (request.url === '/queue') return response.end(EMPTY);
    if (request.url?.startsWith('/history')) return response.end('{}');
    response.writeHead(status).end(JSON.stringify(body));
  });
  expect(await kindOf(findPrompt(server.way, body.id ?? 'x', NEVER))).toBe(kind);
});

it('NaN in an answer, a history without a status and kinds of files nobody foresaw are read', async () => {
  const body = {
    p: {
      outputs: {
        '9': {
          gifs: [{ filename: 'a.mp4', subfolder: 'v', type: 'output', frame_rate: 8 }],
          text: ['hello'],
        },
        '10': {
          '3d': [{ filename: 'b.glb', type: 'output' }],
          images: [null, 'x', { filename: '' }],
          animated: [true],
        },
        '11': { images: [{ filename: 'a.mp4', subfolder: 'v', type: 'output' }] },
        '12': { images: [{ filename: 'mask.png', type: 'input' }] },
      },
    },
  };
  await using server = await serve((request, response) => {
    if (request.url === '/queue')
      return response.end('{"queue_running": [], "queue_pending": [], "load": NaN}');
    response.end(JSON.stringify(body));
  });
  expect(await findPrompt(server.way, 'p', NEVER)).toMatchObject({
    kind: 'done',
    ranMs: null,
    outputs: [
      { nodeId: '9', n: 0, filename: 'a.mp4', subfolder: 'v' },
      { nodeId: '10', n: 0, filename: 'b.glb', subfolder: '' },
    ],
  });
});

it.each([
  ['an error of the driver', 'RuntimeError', 'CUDA error: out of memory', 'gpuOutOfMemory'],
  ['of an AMD GPU', 'torch.OutOfMemoryError', 'HIP out of memory.', 'gpuOutOfMemory'],
  ['wrapped by a node', 'Exception', 'Allocation on device 0 would exceed allowed memory.', 'gpuOutOfMemory'],
  ["the machine's memory", 'MemoryError', '', 'promptFailed'],
  ['the disk of the pod', 'OSError', '[Errno 28] No space left on device', 'podDiskFull'],
  ['its quota', 'OSError', '[Errno 122] Disk quota exceeded: x.png', 'podDiskFull'],
])('%s is told apart', async (_, exception_type, exception_message, code) => {
  const error = [
    'execution_error',
    { node_id: 5, node_type: 'VAEDecode', exception_type, exception_message },
  ];
  const found = await foundIn({
    p: {
      prompt: [],
      outputs: { '3': { images: [{ filename: 'kept.png' }] } },
      status: { status_str: 'error', completed: false, messages: [error] },
    },
  });
  expect(found).toMatchObject({
    kind: 'failed',
    failure: { code, detail: { nodeId: '5', title: 'VAEDecode' } },
    outputs: [{ filename: 'kept.png' }],
  });
});

it('times are brought to the clock of this machine', async () => {
  const start = Date.now() - 3_600_000;
  const message = (name: string, timestamp: number) => [name, { timestamp }];
  await using server = await serve((request, response) => {
    if (request.url === '/queue') return response.end(EMPTY);
    response.setHeader('date', new Date(Date.now() - 3_600_000).toUTCString());
    const messages = [message('execution_start', start), message('execution_success', start + 1_500)];
    response.end(JSON.stringify({ p: { outputs: {}, status: { status_str: 'success', messages } } }));
  });
  const found = await findPrompt(server.way, 'p', NEVER);
  if (found.kind !== 'done') throw new Error(found.kind);
  expect(found.ranMs).toBe(1_500);
  expect(Math.abs((found.startedAt ?? 0) - Date.now())).toBeLessThan(60_000);
});

it.each([
  ['a page', 200, '<html><title>Jupyter</title>', 'text/html', 'comfyAnswerUnexpected'],
  ['another JSON', 200, '[1]', 'application/json', 'comfyAnswerUnexpected'],
  ['no leave', 403, '', 'text/plain', 'comfyAnswerUnexpected'],
  ['trouble that passes', 502, 'bad gateway', 'text/plain', 'comfyUnanswered'],
])('%s in the place of the queue', async (_, status, body, type, code) => {
  await using server = await serve((_request, response) =>
    response.writeHead(status, { 'content-type': type }).end(body),
  );
  await expect(findPrompt(server.way, 'p', NEVER)).rejects.toMatchObject({ code });
});

it('an abort is an AbortError, at once', async () => {
  await using server = await serve(() => {});
  const controller = new AbortController();
  const asking = findPrompt(server.way, 'p', controller.signal);
  controller.abort();
  await expect(asking).rejects.toMatchObject({ name: 'AbortError' });
});

it('/object_info comes as it is, and a page in its place is no such thing', async () => {
  await using comfy = await play();
  expect(Object.keys(JSON.parse(await objectInfo(comfy.way, NEVER)))).toContain('SaveImage');
  await using page = await serve((_, response) => response.end('<html>'));
  await expect(objectInfo(page.way, NEVER)).rejects.toMatchObject({ code: 'comfyAnswerUnexpected' });
});
