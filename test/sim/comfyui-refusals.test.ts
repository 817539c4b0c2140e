import { describe, expect, it } from 'vitest';
import {
  ask,
  idle,
  pictureNodes,
  played,
  post,
  read,
  startComfyUi,
  submit,
  VERSIONS,
} from './support/comfyui.ts';

describe.each(VERSIONS)('version %s', (version) => {
  it.each(played(version).prompts.map((one) => [one.name, one] as const))(
    'judges a prompt as recorded: %s',
    async (_, { request, status, answer, text }) => {
      const reply = await post(startComfyUi({ version }), '/prompt', request);
      expect(reply.status).toBe(status);
      if (text !== null) expect(reply.text).toBe(text);
      else expect(comparable(reply.json)).toEqual(comparable(answer));
    },
  );

  it('names every choice of a short list and only the length of a long one', async () => {
    const models = (count: number) => ({
      checkpoints: Array.from({ length: count }, (_, n) => `m${n}.safetensors`),
    });
    const loader = { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'x.safetensors' } };
    const prompt = {
      '1': loader,
      '2': { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 1 } },
      '3': { class_type: 'VAEDecode', inputs: { samples: ['2', 0], vae: ['1', 2] } },
      '4': { class_type: 'SaveImage', inputs: { images: ['3', 0], filename_prefix: 'x' } },
    };
    const detailsWith = async (count: number) => {
      const { json } = await post(startComfyUi({ version, models: models(count) }), '/prompt', { prompt });
      return json.node_errors['1'].errors[0];
    };
    expect((await detailsWith(2)).details).toBe(
      "ckpt_name: 'x.safetensors' not in ['m0.safetensors', 'm1.safetensors']",
    );
    expect(await detailsWith(21)).toMatchObject({
      details: "ckpt_name: 'x.safetensors' not in (list of length 21)",
      extra_info: { input_config: null },
    });
  });
});

it('converts values that Python would', async () => {
  const comfyui = startComfyUi();
  const id = await submit(comfyui, pictureNodes('made', { width: '32', height: 16.9 }));
  await idle(comfyui);
  const [, , prompt] = (await read(comfyui, `/history/${id}`))[id].prompt;
  expect(prompt['1'].inputs).toMatchObject({ width: 32, height: 16 });
});

it('refuses a body over its limit', async () => {
  const reply = await ask(startComfyUi({ maxBodyBytes: 1000 }), 'POST', '/prompt', {
    body: 'x'.repeat(1001),
  });
  expect([reply.status, reply.text]).toEqual([413, 'Maximum request body size 1000 exceeded.']);
});

it('keeps the digits of a seed beyond 2^53', async () => {
  const comfyui = startComfyUi();
  const prompt = JSON.stringify({
    '1': { class_type: 'SimOutput', inputs: { bytes: 1, count: 1, seconds: 0, ext: 'txt' } },
  });
  const body = `{"prompt": ${prompt.replace('"bytes":1', '"bytes":1,"note":1125899906842624001')}}`;
  await ask(comfyui, 'POST', '/prompt', { body });
  await idle(comfyui);
  expect((await ask(comfyui, 'GET', '/history')).text).toContain('"note":1125899906842624001');
});

it('has the bounds of seeds to the last digit', async () => {
  const { text } = await ask(startComfyUi(), 'GET', '/object_info/KSampler');
  expect(text).toContain('"max":18446744073709551615');
});

/** Without what no two runs share. */
function comparable(answer: unknown): unknown {
  const without = new Set(['prompt_id', 'number', 'traceback']);
  return JSON.parse(JSON.stringify(answer, (key, value) => (without.has(key) ? typeof value : value)));
}
