import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  ask,
  type Heard,
  idle,
  type Listener,
  listen,
  type Nodes,
  pictureNodes,
  play,
  played,
  post,
  shape,
  slowNodes,
  startComfyUi,
  submit,
  until,
  VERSIONS,
} from './support/comfyui.ts';

describe.each(VERSIONS)('version %s', (version) => {
  const { transcripts } = played(version);

  it('tells the client of a job what was recorded, in that order', async () => {
    const mine = await listen(startComfyUi({ version }), 'mine');
    await playFor(mine, pictureNodes());
    expectAsRecorded(mine.heard, transcripts.D_success);
  });

  it('tells another client of the queue alone', async () => {
    const comfyui = startComfyUi({ version });
    const mine = await listen(comfyui, 'mine');
    const other = await listen(comfyui, 'other');
    await playFor(mine, pictureNodes());
    expectAsRecorded(other.heard, transcripts.D_success_other_client);
  });

  it('tells of a graph it has just run that all of it is cached', async () => {
    const comfyui = startComfyUi({ version });
    await play(comfyui, pictureNodes());
    const mine = await listen(comfyui, 'mine');
    await playFor(mine, pictureNodes());
    expectAsRecorded(mine.heard.slice(1), transcripts.D_cached);
  });

  it('tells each step of a slow node', async () => {
    const mine = await listen(startComfyUi({ version }), 'mine');
    await playFor(mine, slowNodes(0, 5));
    expectAsRecorded(mine.heard.slice(1), transcripts.D_progress);
  });

  it('tells the steps of a job without a client to everybody', async () => {
    const comfyui = startComfyUi({ version });
    const other = await listen(comfyui, 'other');
    await post(comfyui, '/prompt', { prompt: slowNodes(0, 3) });
    await idle(comfyui);
    await until(() => other.types().filter((type) => type === 'status').length === 4);
    expect([...new Set(other.types())]).toEqual(['status', 'progress_state', 'progress']);
    expect(shapesByType(other.heard.slice(1))).toEqual(shapesByType(transcripts.D_no_client_id ?? []));
  });

  it('tells of a failure', async () => {
    const comfyui = startComfyUi({ version });
    await play(comfyui, pictureNodes());
    const mine = await listen(comfyui, 'mine');
    await playFor(mine, {
      ...pictureNodes(),
      '2': { class_type: 'SimFail', inputs: { image: ['1', 0], message: 'boom' } },
      '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'x' } },
    });
    expect(mine.types().slice(1)).toEqual(typesOf(transcripts.G_error));
  });

  it('says what it can do when asked, and sends the pictures of a sampler as the client reads them', async () => {
    const comfyui = startComfyUi({ version, previews: true, models: { checkpoints: ['a.safetensors'] } });
    const plain = await listen(comfyui, 'plain');
    await playFor(plain, textToImage(2));
    expect(plain.types().filter((type) => type === 'progress' || type === 1)).toEqual([
      'progress',
      1,
      'progress',
      1,
    ]);
    const detailed = await listen(comfyui, 'detailed');
    detailed.socket.send(
      JSON.stringify({ type: 'feature_flags', data: { supports_preview_metadata: true } }),
    );
    await until(() => detailed.types().includes('feature_flags'));
    const told = transcripts.D_preview_with_feature_flags?.find(
      (one) => 'type' in one && one.type === 'feature_flags',
    );
    expect(detailed.heard.at(-1)).toEqual(told);
    await playFor(detailed, textToImage(2, 8));
    expect(detailed.types().filter((type) => type === 'progress' || type === 4)).toEqual([
      4,
      'progress',
      4,
      'progress',
    ]);
  });
});

it('tells of an interrupt and begins the next job', async () => {
  const comfyui = startComfyUi();
  const mine = await listen(comfyui, 'mine');
  const id = await submit(comfyui, slowNodes(600), { client_id: 'mine' });
  await submit(comfyui, slowNodes(600), { client_id: 'mine' });
  await until(() => mine.types().includes('executing'));
  const before = mine.heard.length;
  await post(comfyui, '/interrupt', { prompt_id: id });
  await until(() => comfyui.queue.running[0]?.id !== id && mine.types().at(-1) === 'executing');
  const wanted = typesOf(played('0.33.0').transcripts.F_interrupted).slice(0, 6);
  expect(mine.types().slice(before, before + 6)).toEqual(wanted);
});

it('tells a client that comes back which node runs', async () => {
  const comfyui = startComfyUi();
  await submit(comfyui, slowNodes(600), { client_id: 'mine' });
  await until(() => comfyui.queue.running.length === 1);
  const first = await listen(comfyui, 'mine');
  first.socket.close();
  await once(first.socket, 'close');
  await until(() => comfyui.connectionCount === 0);
  const again = await listen(comfyui, 'mine');
  await until(() => again.heard.length > 1);
  expect(again.heard[1]).toEqual({ type: 'executing', data: { node: '2' } });
});

it('says that a job succeeded before the history has it', async () => {
  const comfyui = startComfyUi({ historyLagMs: 20 });
  const mine = await listen(comfyui, 'mine');
  const id = await submit(comfyui, pictureNodes(), { client_id: 'mine' });
  await until(() => mine.types().includes('execution_success'));
  expect((await ask(comfyui, 'GET', `/history/${id}`)).json).toEqual({});
  await until(() => mine.types().at(-1) === 'executing');
  expect(Object.keys((await ask(comfyui, 'GET', `/history/${id}`)).json)).toEqual([id]);
});

it('keeps nothing for a client that does not listen', async () => {
  const comfyui = startComfyUi();
  await play(comfyui, pictureNodes(), { client_id: 'late' });
  const late = await listen(comfyui, 'late');
  await idle(comfyui);
  expect(late.types()).toEqual(['status']);
});

/** The usual graph from text to picture. */
function textToImage(steps: number, seed = 7): Nodes {
  const text = (words: string) => ({ class_type: 'CLIPTextEncode', inputs: { text: words, clip: ['1', 1] } });
  return {
    '1': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'a.safetensors' } },
    '2': text('a lighthouse'),
    '3': text('fog'),
    '4': { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 1 } },
    '5': {
      class_type: 'KSampler',
      inputs: {
        model: ['1', 0],
        positive: ['2', 0],
        negative: ['3', 0],
        latent_image: ['4', 0],
        seed,
        steps,
        cfg: 7,
        sampler_name: 'euler',
        scheduler: 'normal',
        denoise: 1,
      },
    },
    '6': { class_type: 'VAEDecode', inputs: { samples: ['5', 0], vae: ['1', 2] } },
    '7': { class_type: 'SaveImage', inputs: { images: ['6', 0], filename_prefix: 'made' } },
  };
}

async function playFor(listener: Listener, prompt: Nodes): Promise<void> {
  await submit(listener.comfyui, prompt, {
    client_id: listener.clientId,
    extra_data: { extra_pnginfo: { workflow: { id: 'wf', nodes: [] } } },
  });
  await until(() => {
    const last = listener.heard.at(-1);
    return last !== undefined && 'data' in last && last.type === 'executing' && last.data.node === null;
  });
}

function expectAsRecorded(heard: readonly Heard[], recorded: readonly Heard[] = []): void {
  expect(heard.map(typeOf)).toEqual(typesOf(recorded));
  expect(heard.map(shape)).toEqual(recorded.map(shape));
}

function typesOf(recorded: readonly Heard[] = []): (string | number)[] {
  return recorded.map(typeOf);
}

function typeOf(one: Heard): string | number {
  return 'binary' in one ? one.binary : one.type;
}

function shapesByType(heard: readonly Heard[]): Record<string, unknown> {
  return Object.fromEntries(
    heard.filter((one) => typeOf(one) !== 'progress_state').map((one) => [typeOf(one), shape(one)]),
  );
}
