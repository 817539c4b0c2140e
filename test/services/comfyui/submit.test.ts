import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { findPrompt, submitPrompt } from '../../../src/services/comfyui/index.ts';
import { bodyOf, NEVER, play, recorded, serve, VERSIONS } from './support/serve.ts';

const IMAGE = {
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 255 } },
  '3': {
    class_type: 'SaveImage',
    inputs: { images: ['1', 0], filename_prefix: 'made' },
    _meta: { title: 'The picture' },
  },
};
const submission = (prompt: unknown = IMAGE) => ({
  promptId: randomUUID(),
  prompt: JSON.stringify(prompt),
  workflow: null,
});
/** A server whose `/prompt` answers so, and that knows no prompt. */
const answering = (status: number, body: string, type = 'application/json') =>
  serve((request, response) => {
    if (request.url === '/queue') return response.end('{"queue_running":[],"queue_pending":[]}');
    if (request.url !== '/prompt')
      return response.writeHead(request.url?.includes('jobs') ? 404 : 200).end('{}');
    response.writeHead(status, { 'content-type': type }).end(body);
  });

describe.each(VERSIONS)('at ComfyUI %s', (version) => {
  it('a prompt is taken under the id that was chosen for it', async () => {
    await using comfy = await play({ version });
    const ours = submission();
    const submitted = await submitPrompt(comfy.way, ours, NEVER);
    expect(submitted).toMatchObject({ kind: 'accepted', promptId: ours.promptId, dropped: [] });
    expect((await findPrompt(comfy.way, ours.promptId, NEVER)).kind).not.toBe('unknown');
  });

  it.each([
    ['refusedValue', '1', 'EmptyImage', 'Value 999999 bigger than max of 16384: width'],
    [
      'refusedModel',
      '1',
      'CheckpointLoaderSimple',
      "Value not in list: ckpt_name: 'missing.safetensors' not in []",
    ],
  ])('%s: a refusal names the node and says what ComfyUI says', async (name, nodeId, title, message) => {
    const { body, prompt } = recorded(version)[name];
    await using server = await answering(400, JSON.stringify(body));
    const submitted = await submitPrompt(server.way, submission(prompt), NEVER);
    expect(submitted).toEqual({
      kind: 'refused',
      failure: { code: 'promptRefused', detail: { nodeId, title, message } },
    });
  });

  it('a class that is not there is named', async () => {
    const { body, prompt } = recorded(version).refusedClass;
    await using server = await answering(400, JSON.stringify(body));
    const submitted = await submitPrompt(server.way, submission(prompt), NEVER);
    expect(JSON.stringify(submitted)).toContain('NoSuchNode');
  });

  it('what is wrong at several nodes is told of each', async () => {
    const { body, prompt } = recorded(version).cycle;
    await using server = await answering(400, JSON.stringify(body));
    const submitted = await submitPrompt(server.way, submission(prompt), NEVER);
    expect(submitted).toMatchObject({ kind: 'refused', failure: { code: 'promptRefused' } });
  });

  it('a prompt that is taken but for one output says which', async () => {
    const { body, prompt } = recorded(version).partly;
    await using server = await answering(200, JSON.stringify(body));
    const submitted = await submitPrompt(server.way, submission(prompt), NEVER);
    expect(submitted).toMatchObject({
      kind: 'accepted',
      dropped: [expect.stringContaining('node 13 “SaveImage”')],
    });
  });

  it("a node's own title is used where the workflow has one", async () => {
    await using comfy = await play({ version });
    const bad = { ...IMAGE, '3': { ...IMAGE['3'], inputs: { filename_prefix: 'made' } } };
    const submitted = await submitPrompt(comfy.way, submission(bad), NEVER);
    expect(submitted).toMatchObject({ kind: 'refused', failure: { detail: { title: 'The picture' } } });
  });
});

it('a lost answer is comfyUnanswered, and looking finds the prompt', async () => {
  await using comfy = await play();
  comfy.comfyui.faults.lostAnswers = 1;
  const ours = submission();
  await expect(submitPrompt(comfy.way, ours, NEVER)).rejects.toMatchObject({ code: 'comfyUnanswered' });
  expect((await findPrompt(comfy.way, ours.promptId, NEVER)).kind).not.toBe('unknown');
});

it('a request that never arrived is told the same, and looking finds nothing', async () => {
  await using comfy = await play();
  comfy.comfyui.faults.droppedPrompts = 1;
  const ours = submission();
  await expect(submitPrompt(comfy.way, ours, NEVER)).rejects.toMatchObject({ code: 'comfyUnanswered' });
  expect(await findPrompt(comfy.way, ours.promptId, NEVER)).toEqual({ kind: 'unknown' });
});

it.each([
  ['cut within its body', 200, '{"prompt_id": "', 'application/json'],
  ['of the tunnel, which has no pod', 503, '<title>pod is restarting</title>', 'text/html'],
])('an answer %s leaves open what happened', async (_, status, body, type) => {
  await using server = await answering(status, body, type);
  await expect(submitPrompt(server.way, submission(), NEVER)).rejects.toMatchObject({
    code: 'comfyUnanswered',
  });
});

it('nobody listens: comfyUnanswered', async () => {
  const { way, ...server } = await serve(() => {});
  await server[Symbol.asyncDispose]();
  await expect(submitPrompt(way, submission(), NEVER)).rejects.toMatchObject({ code: 'comfyUnanswered' });
});

it('a workflow over the limit is promptTooLarge, with both sizes', async () => {
  await using comfy = await play({ maxBodyBytes: 1_000 });
  const large = submission({ ...IMAGE, '4': { class_type: 'Note', inputs: { text: 'x'.repeat(2_000) } } });
  await expect(submitPrompt(comfy.way, large, NEVER)).rejects.toMatchObject({
    code: 'promptTooLarge',
    detail: { limit: 1_000, bytes: expect.any(Number) },
  });
});

it('a page of somebody else is comfyAnswerUnexpected, with its title', async () => {
  await using server = await answering(401, '<html><title>Sign in</title></html>', 'text/html');
  await expect(submitPrompt(server.way, submission(), NEVER)).rejects.toMatchObject({
    code: 'comfyAnswerUnexpected',
    detail: { status: 401, detail: 'It is a web page, “Sign in”.' },
  });
});

it('a prompt that ComfyUI stumbles over is refused, not sent for ever', async () => {
  await using comfy = await play({ version: '0.33.0' });
  const submitted = await submitPrompt(comfy.way, submission({ nodes: [], links: [], version: 0.4 }), NEVER);
  expect(submitted).toMatchObject({ kind: 'refused', failure: { code: 'promptRefused' } });
});

it('a 500 for a prompt that was taken all the same is no refusal', async () => {
  const ours = submission();
  await using server = await serve((request, response) => {
    if (request.url === '/prompt') return response.writeHead(500).end('500 Internal Server Error');
    response.end(JSON.stringify({ queue_running: [[1, ours.promptId, {}, {}, []]], queue_pending: [] }));
  });
  expect(await submitPrompt(server.way, ours, NEVER)).toMatchObject({ kind: 'accepted' });
});

it('every digit of a seed is sent, and the workflow goes along for the files; no client id does', async () => {
  let sent = '';
  await using server = await serve(async (request, response) => {
    sent = String(await bodyOf(request));
    response.end(JSON.stringify({ prompt_id: 'x', number: 1, node_errors: [] }));
  });
  const prompt = '{"3":{"class_type":"KSampler","inputs":{"seed":18446744073709551615}}}';
  await submitPrompt(server.way, { promptId: 'p', prompt, workflow: '{"nodes":[]}' }, NEVER);
  expect(sent).toBe(
    `{"prompt_id":"p","prompt":${prompt},"extra_data":{"extra_pnginfo":{"workflow":{"nodes":[]}}}}`,
  );
});
