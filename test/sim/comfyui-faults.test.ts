import { expect, it } from 'vitest';
import type { Simulator } from '../../sim/simulator.ts';
import type { Pod } from '../../sim/world/pod.ts';
import { ask, idle, pictureNodes, play, post, read, slowNodes, submit, until } from './support/comfyui.ts';
import { call, control, ready, readyPod, simulate } from './support/simulator.ts';

const BIG = {
  '1': { class_type: 'SimOutput', inputs: { bytes: 500_000, count: 1, seconds: 0, ext: 'mp4' } },
};
const VIEW_BIG = '/view?filename=sim_00001_.mp4';

it('fails the next jobs, each once, and leaves those after them alone', async () => {
  const { comfyui, tell } = await scriptedPod();
  await tell({ fail: { type: 'ValueError', message: 'no' } });
  const failed = await play(comfyui, pictureNodes());
  expect(failed.status.messages.at(-1)[1]).toMatchObject({
    exception_type: 'ValueError',
    exception_message: 'no\n',
  });
  await tell({ oom: 1 });
  const full = await play(comfyui, pictureNodes('b'));
  expect(full.status.messages.at(-1)[1].exception_type).toBe('torch.OutOfMemoryError');
  expect((await play(comfyui, pictureNodes('c'))).status.status_str).toBe('success');
});

it('takes a prompt and loses the answer, or loses the prompt itself', async () => {
  const { comfyui, tell } = await scriptedPod();
  await tell({ loseAnswers: 1 });
  await expect(post(comfyui, '/prompt', { prompt: pictureNodes() })).rejects.toThrow();
  await idle(comfyui);
  expect(comfyui.queue.history.size).toBe(1);
  await tell({ dropPrompts: 1 });
  await expect(post(comfyui, '/prompt', { prompt: pictureNodes() })).rejects.toThrow();
  expect((await post(comfyui, '/prompt', { prompt: pictureNodes() })).status).toBe(200);
  await idle(comfyui);
  expect(comfyui.queue.history.size).toBe(2);
});

it('restarts: queue, history and previews are lost, files and their numbers are not', async () => {
  const { comfyui, tell } = await scriptedPod();
  await play(comfyui, pictureNodes());
  await submit(comfyui, slowNodes(600));
  await submit(comfyui, slowNodes(600));
  await tell({ restart: true });
  expect(await read(comfyui, '/queue')).toEqual({ queue_running: [], queue_pending: [] });
  expect(await read(comfyui, '/history')).toEqual({});
  expect((await ask(comfyui, 'GET', '/view?filename=made_00001_.png')).status).toBe(200);
  const { outputs, prompt } = await play(comfyui, pictureNodes());
  expect([prompt[0], outputs['3'].images[0].filename]).toEqual([0, 'made_00002_.png']);
});

it('loses its queue and keeps its files when the pod is stopped and started', async () => {
  const { simulator, pod, comfyui } = await scriptedPod();
  await play(comfyui, pictureNodes());
  await submit(comfyui, slowNodes(600));
  await call(simulator, 'POST', `/pods/${pod.id}/action`, { body: { action: 'stop' } });
  await until(() => comfyui.state === 'down');
  expect(comfyui.queue.remaining).toBe(0);
  await simulator.world.until(() => pod.status === 'EXITED');
  await call(simulator, 'POST', `/pods/${pod.id}/action`, { body: { action: 'start' } });
  await ready(simulator, pod);
  expect(await read(comfyui, '/history')).toEqual({});
  expect(comfyui.storage.list('output')).toEqual(['made_00001_.png']);
});

it('cuts a file after some bytes, as often as told, and lets it be resumed', async () => {
  const { comfyui, tell } = await scriptedPod();
  await play(comfyui, BIG);
  const whole = (await ask(comfyui, 'GET', VIEW_BIG)).bytes;
  await tell({ view: { cutAfterBytes: 100_000, times: 1 } });
  await expect(ask(comfyui, 'GET', VIEW_BIG)).rejects.toThrow();
  const rest = await ask(comfyui, 'GET', VIEW_BIG, { headers: { Range: 'bytes=100000-' } });
  expect([rest.status, rest.bytes.equals(whole.subarray(100_000))]).toEqual([206, true]);
});

it('sends a file slowly', async () => {
  const { comfyui, tell } = await scriptedPod();
  await play(comfyui, BIG);
  await tell({ view: { bytesPerSecond: 2_500_000, delayMs: 10 } });
  const begun = performance.now();
  expect((await ask(comfyui, 'GET', VIEW_BIG)).bytes.length).toBe(500_000);
  expect(performance.now() - begun).toBeGreaterThan(150);
  await tell({ view: null });
  expect((await ask(comfyui, 'GET', VIEW_BIG)).bytes.length).toBe(500_000);
});

it('refuses uploads and fails to save while its disk is full', async () => {
  const { comfyui, tell } = await scriptedPod();
  await tell({ diskFull: true });
  const form = new FormData();
  form.set('image', new Blob(['x']), 'a.png');
  const multipart = new Response(form);
  const headers = { 'content-type': multipart.headers.get('content-type') ?? '' };
  const body = Buffer.from(await multipart.arrayBuffer());
  expect((await ask(comfyui, 'POST', '/upload/image', { body, headers })).status).toBe(500);
  const { status } = await play(comfyui, pictureNodes());
  expect(status.messages.at(-1)[1]).toMatchObject({ node_id: '3', exception_type: 'OSError' });
  await tell({ diskFull: false });
  expect((await ask(comfyui, 'POST', '/upload/image', { body, headers })).status).toBe(200);
});

it('follows a script of its own: version, times, models and limits', async () => {
  const { simulator, comfyui, tell } = await scriptedPod();
  const other = await readyPod(simulator);
  await tell({
    script: { version: '0.3.64', models: { checkpoints: ['mine.safetensors'] }, maxBodyBytes: 10 },
  });
  expect((await read(comfyui, '/system_stats')).system.comfyui_version).toBe('0.3.64');
  expect((await read(other.comfyui, '/system_stats')).system.comfyui_version).toBe('0.33.0');
  expect(await read(comfyui, '/models/checkpoints')).toEqual(['mine.safetensors']);
  const info = await read(comfyui, '/object_info/CheckpointLoaderSimple');
  expect(info.CheckpointLoaderSimple.input.required.ckpt_name[0]).toEqual(['mine.safetensors']);
  expect((await post(comfyui, '/prompt', { prompt: pictureNodes() })).status).toBe(413);
});

it('names a wrong key of its script', async () => {
  const { simulator, pod } = await scriptedPod();
  const { status, body } = await control(simulator, 'POST', `/pods/${pod.id}/comfy`, {
    script: { stepsMs: 1 },
  });
  expect([status, body.error]).toEqual([422, expect.stringContaining('stepsMs')]);
});

it('takes the time that the script gives each node and step', async () => {
  const { comfyui, tell } = await scriptedPod();
  await tell({ script: { nodeMs: 40 } });
  const { status } = await play(comfyui, pictureNodes('slow'));
  const [started, , ended] = status.messages.map(
    ([, { timestamp }]: [string, { timestamp: number }]) => timestamp,
  );
  expect(ended - started).toBeGreaterThan(100);
});

interface Scripted {
  simulator: Simulator;
  pod: Pod;
  comfyui: Pod['comfyui'];
  tell: (body: unknown) => Promise<unknown>;
}

/** A pod whose jobs take no time, and its control. */
async function scriptedPod(): Promise<Scripted> {
  const simulator = await simulate({ comfyui: { jobMs: 0 } });
  const pod = await readyPod(simulator);
  const tell = async (body: unknown) => {
    const { status, body: answer } = await control(simulator, 'POST', `/pods/${pod.id}/comfy`, body);
    if (status !== 200) throw new Error(`the control answered ${status}: ${answer.error}`);
  };
  return { simulator, pod, comfyui: pod.comfyui, tell };
}
