import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ComfyUi } from '../../sim/comfyui/comfyui.ts';
import { recogniseWorkflow } from '../../src/workflow/recognise.ts';
import {
  ask,
  type Nodes,
  pictureNodes,
  play,
  played,
  post,
  type Reply,
  startComfyUi,
  VERSIONS,
} from './support/comfyui.ts';

const VIEW = '/view?filename=success_00001_.png&type=output';

describe.each(VERSIONS)('version %s', (version) => {
  const { view, uploads } = played(version);

  it.each(view.map((one) => [one.name, one] as const))('serves a file as recorded: %s', async (_, one) => {
    const comfyui = startComfyUi({ version });
    await play(comfyui, pictureNodes('success'), { extra_data: { extra_pnginfo: { workflow: {} } } });
    await upload(comfyui, { filename: 'recup.png' });
    await upload(comfyui, { filename: 'recup.png', subfolder: 'recsub/x' });
    const reply = await ask(comfyui, one.method, one.path, { headers: one.headers });
    expect(reply.status).toBe(one.status);
    const names = Object.keys(one.answered).map((name) => name.toLowerCase());
    expect(Object.keys(reply.headers)).toEqual(expect.arrayContaining(names));
    expect(reply.headers['content-type']).toBe(one.answered['Content-Type']);
    expect(reply.headers['content-disposition']).toBe(one.answered['Content-Disposition']);
    if (one.status === 206) expect(reply.bytes.length).toBe(one.length);
  });

  it('stores uploads under the names that were recorded', async () => {
    const comfyui = startComfyUi({ version });
    const answerTo = async (file: Upload, path?: string) => {
      const { status, json, text } = await upload(comfyui, file, path);
      return { status, answer: json ?? text };
    };
    const recorded = Object.fromEntries(
      uploads.map(({ name, status, answer }) => [name, { status, answer }]),
    );
    expect({
      POST_upload_first: await answerTo({ filename: 'recup.png', bytes: 'a' }),
      POST_upload_same_name_same_bytes: await answerTo({ filename: 'recup.png', bytes: 'a' }),
      POST_upload_same_name_other_bytes: await answerTo({ filename: 'recup.png', bytes: 'b' }),
      POST_upload_overwrite_true: await answerTo({ filename: 'recup.png', bytes: 'c', overwrite: 'true' }),
      POST_upload_subfolder: await answerTo({ filename: 'recup.png', subfolder: 'recsub/x' }),
      POST_upload_type_temp: await answerTo({ filename: 'recup.png', type: 'temp' }),
      POST_upload_type_output: await answerTo({ filename: 'recup_out.png', type: 'output' }),
      POST_upload_type_bogus: await answerTo({ filename: 'recup.png', type: 'bogus' }),
      POST_upload_traversal_subfolder: await answerTo({ filename: 'recup.png', subfolder: '../../x' }),
      POST_upload_api_prefix: await answerTo({ filename: 'recup2.png' }, '/api/upload/image'),
      POST_upload_no_image_field: await answerTo({ field: 'other', filename: 'recup.png' }),
      POST_upload_json_body: await answerToJson(comfyui),
      POST_upload_not_an_image: await answerTo({ filename: 'recup_text.txt' }),
      POST_upload_too_large_101MB: recorded.POST_upload_too_large_101MB,
    }).toEqual(recorded);
    expect((await ask(comfyui, 'GET', '/view?filename=recup.png&type=input')).text).toBe('c');
  });
});

it('makes a PNG of the size asked for, with the prompt and the workflow in it', async () => {
  const comfyui = startComfyUi();
  const prompt = pictureNodes('success', { width: 48, height: 20, color: 0x102030 });
  const workflow = { nodes: [{ title: 'Grüße' }] };
  await play(comfyui, prompt, { extra_data: { extra_pnginfo: { workflow } } });
  const chunks = chunksOf((await ask(comfyui, 'GET', VIEW)).bytes);
  expect(chunks.map(({ type }) => type)).toEqual(['IHDR', 'tEXt', 'tEXt', 'IDAT', 'IEND']);
  expect([chunks[0]?.data.readUInt32BE(0), chunks[0]?.data.readUInt32BE(4)]).toEqual([48, 20]);
  const texts = Object.fromEntries(
    chunks.filter(({ type }) => type === 'tEXt').map(({ data }) => data.toString('latin1').split('\0')),
  );
  expect(JSON.parse(texts.prompt)).toEqual(prompt);
  expect(JSON.parse(texts.workflow)).toEqual(workflow);
  const pixels = inflateSync(chunks[3]?.data ?? '');
  expect([pixels.length, pixels.subarray(0, 4).toString('hex')]).toEqual([(48 * 3 + 1) * 20, '00efdfcf']);
});

it.each([
  ['png', { '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'f' } } }],
  [
    'webp',
    {
      '3': {
        class_type: 'SaveAnimatedWEBP',
        inputs: {
          images: ['2', 0],
          filename_prefix: 'f',
          fps: 6,
          lossless: true,
          quality: 80,
          method: 'default',
        },
      },
    },
  ],
  [
    'flac',
    {
      '4': { class_type: 'EmptyLatentAudio', inputs: { seconds: 1, batch_size: 1 } },
      '5': { class_type: 'VAELoader', inputs: { vae_name: 'pixel_space' } },
      '6': { class_type: 'VAEDecodeAudio', inputs: { samples: ['4', 0], vae: ['5', 0] } },
      '3': { class_type: 'SaveAudio', inputs: { audio: ['6', 0], filename_prefix: 'f' } },
    },
  ],
])('makes files that tell their workflow: %s', async (ext, changes) => {
  const comfyui = startComfyUi();
  const prompt: Nodes = { ...pictureNodes(), ...changes };
  const workflow = { nodes: [], links: [], version: 0.4 };
  await play(comfyui, prompt, { extra_data: { extra_pnginfo: { workflow } } });
  const file = (await ask(comfyui, 'GET', `/view?filename=f_00001_.${ext}`)).bytes;
  expect(recogniseWorkflow(file)).toMatchObject({ container: ext, workflow: { version: expect.anything() } });
  expect(JSON.stringify(recogniseWorkflow(file))).toContain('"ImageInvert"');
});

it('makes the same picture of the same seed, and another one of another', async () => {
  const pixelsOf = async (seed: number) => {
    const comfyui = startComfyUi();
    await play(comfyui, {
      '1': { class_type: 'SimSleep', inputs: { seconds: 0, steps: 1, seed } },
      '2': { class_type: 'ImageBlur', inputs: { image: ['1', 0], blur_radius: 1, sigma: 1 } },
      '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'success' } },
    });
    return chunksOf((await ask(comfyui, 'GET', VIEW)).bytes)
      .find(({ type }) => type === 'IDAT')
      ?.data.toString('hex');
  };
  expect(await pixelsOf(1)).toBe(await pixelsOf(1));
  expect(await pixelsOf(1)).not.toBe(await pixelsOf(2));
});

it('counts on from the files there are, in each subfolder, and makes no file of what is cached', async () => {
  const comfyui = startComfyUi();
  await play(comfyui, pictureNodes('a', { batch_size: 2 }));
  await play(comfyui, pictureNodes('a', { batch_size: 2 }));
  await play(comfyui, pictureNodes('a', { color: 1 }));
  await play(comfyui, pictureNodes('x/a', { color: 1 }));
  await play(comfyui, pictureNodes('%width%/a', { color: 1 }));
  expect(comfyui.storage.list('output')).toEqual([
    'a_00001_.png',
    'a_00002_.png',
    'a_00003_.png',
    'x/a_00001_.png',
    '64/a_00001_.png',
  ]);
});

it('refuses to save outside of its folder', async () => {
  const { status } = await play(startComfyUi(), pictureNodes('../../a'));
  expect(status.messages.at(-1)[1].exception_message).toContain('outside the output folder');
});

it.each(['png', 'webp', 'flac', 'mp4', 'txt'])('makes files of exactly so many bytes: %s', async (ext) => {
  const comfyui = startComfyUi();
  const inputs = { bytes: 3_000_000, count: 2, seconds: 0, ext };
  const { outputs } = await play(comfyui, { '1': { class_type: 'SimOutput', inputs } });
  const files = Object.values<unknown[]>(outputs['1'])[0] as { filename: string }[];
  expect(files.map(({ filename }) => filename)).toEqual([`sim_00001_.${ext}`, `sim_00002_.${ext}`]);
  const whole = (await ask(comfyui, 'GET', `/view?filename=sim_00001_.${ext}`)).bytes;
  expect(whole.length).toBe(3_000_000);
  if (ext === 'png') expect(chunksOf(whole).map(({ type }) => type)).toContain('siMp');
  const path = `/view?filename=sim_00001_.${ext}`;
  const tail = await ask(comfyui, 'GET', path, { headers: { Range: 'bytes=2900000-' } });
  expect(tail.bytes.equals(whole.subarray(2_900_000))).toBe(true);
  const last = await ask(comfyui, 'GET', path, { headers: { Range: 'bytes=-10' } });
  expect(last.bytes.equals(whole.subarray(-10))).toBe(true);
});

it('says that a file has not changed', async () => {
  const comfyui = startComfyUi();
  await play(comfyui, pictureNodes('success'));
  const { headers } = await ask(comfyui, 'GET', VIEW);
  const again = await ask(comfyui, 'GET', VIEW, { headers: { 'If-None-Match': String(headers.etag) } });
  expect([again.status, again.bytes.length, again.headers['content-length']]).toEqual([304, 0, undefined]);
});

it('loads what was uploaded, of its size, and again when it was written over', async () => {
  const comfyui = startComfyUi();
  await play(comfyui, pictureNodes('in', { width: 40, height: 30 }));
  const png = (await ask(comfyui, 'GET', '/view?filename=in_00001_.png')).bytes;
  await upload(comfyui, { filename: 'a.png', subfolder: 's', bytes: png });
  const prompt: Nodes = {
    '1': { class_type: 'LoadImage', inputs: { image: 's/a.png' } },
    '3': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'out' } },
  };
  await play(comfyui, prompt);
  const out = (await ask(comfyui, 'GET', '/view?filename=out_00001_.png')).bytes;
  expect(out.subarray(16, 24)).toEqual(png.subarray(16, 24));
  const info = (await ask(comfyui, 'GET', '/object_info/LoadImage')).json;
  expect(info.LoadImage.input.required.image[0]).toEqual(['s/a.png']);
});

interface Upload {
  filename: string;
  field?: string;
  bytes?: string | Buffer;
  subfolder?: string;
  type?: string;
  overwrite?: string;
}

async function upload(
  comfyui: ComfyUi,
  { filename, field = 'image', bytes = 'x', ...others }: Upload,
  path = '/upload/image',
): Promise<Reply> {
  const form = new FormData();
  form.set(field, new Blob([typeof bytes === 'string' ? bytes : new Uint8Array(bytes)]), filename);
  for (const [name, value] of Object.entries(others)) form.set(name, value);
  const request = new Response(form);
  const body = Buffer.from(await request.arrayBuffer());
  return ask(comfyui, 'POST', path, {
    body,
    headers: { 'content-type': request.headers.get('content-type') ?? '' },
  });
}

async function answerToJson(comfyui: ComfyUi) {
  const { status, json, text } = await post(comfyui, '/upload/image', { a: 1 });
  return { status, answer: json ?? text };
}

function chunksOf(png: Buffer): { type: string; data: Buffer }[] {
  const chunks = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    chunks.push({
      type: png.toString('latin1', at + 4, at + 8),
      data: png.subarray(at + 8, at + 8 + length),
    });
    at += length + 12;
  }
  return chunks;
}
