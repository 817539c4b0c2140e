import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inProcess } from '../support/shell.ts';
import { EMPTY_IMAGE, INVERTED, sleeping, workflowFile } from '../support/workflows.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

/** `run` as far as it only looks: nothing of this submits a job. */
const fixtures = join(import.meta.dirname, '..', 'workflow', 'fixtures');
let world: TestWorld;
let folder = '';
let podId = '';
const run = (...argv: string[]) => inProcess(world, ['run', ...argv]);
const file = (name: string, workflow: object | string) => workflowFile(folder, name, workflow);

beforeAll(async () => {
  world = await startWorld({
    comfyui: { version: '0.3.64', models: { checkpoints: ['sd15.safetensors'], vae: ['kl.safetensors'] } },
  });
  folder = mkdtempSync(join(tmpdir(), 'ap-run-'));
  expect((await world.autopod(['up', '--local-port', 'auto', '--name', 'art'])).code).toBe(0);
  [podId = ''] = await world.podIds();
});
afterAll(async () => {
  await world.end();
  rmSync(folder, { recursive: true });
});

describe('--show', () => {
  it('prints what can be set, with types, ranges and defaults, and no links', async () => {
    const { code, stdout } = await run(file('a.json', EMPTY_IMAGE), '--show');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^1\.width +Red +int +64 +512 +from 1 to 16384, step 1$/m);
    expect(stdout).toMatch(/^2\.filename_prefix +Save +string +"fox" +"ComfyUI"/m);
    expect(stdout).not.toContain('2.images');
  });

  it('--json has choices and seeds beyond 2^53 with every digit', async () => {
    const { stdout } = await run(
      file('seed.json', checkpoint('sd15.safetensors', '18446744073709551615')),
      '--show',
      '--json',
    );
    expect(stdout).toContain('"value": 18446744073709551615');
    const { settable } = JSON.parse(stdout);
    expect(settable).toContainEqual(
      expect.objectContaining({
        node: '4',
        input: 'ckpt_name',
        choices: ['sd15.safetensors'],
        isFile: false,
      }),
    );
  });
});

describe('--dry-run', () => {
  it('prints the API format as the one JSON value, with the changes made', async () => {
    const { code, stdout, stderr } = await run(
      file('a.json', EMPTY_IMAGE),
      'art',
      '--dry-run',
      '--set',
      'Red.width=128',
      '--set',
      'SaveImage.filename_prefix=@@x',
    );
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)['1'].inputs.width).toBe(128);
    expect(JSON.parse(stdout)['2'].inputs.filename_prefix).toBe('@x');
  });

  it.each(['made.flac', 'made.mp4', 'made.webm', 'made.webp', 'text.png'])(
    'takes %s, which ComfyUI made',
    async (name) => {
      const { stdout } = await run(join(fixtures, 'made', name), '--dry-run');
      expect(Object.values(JSON.parse(stdout))[0]).toMatchObject({ class_type: expect.any(String) });
    },
  );

  it("turns the editor's format, and tells each missing model with node, folder, file and address; exit 1", async () => {
    const name = 'flux__flux_schnell_checkpoint_example.workflow.json';
    const { code, stdout, stderr } = await run(join(fixtures, 'pairs', name), '--dry-run', '--json');
    expect(code).toBe(1);
    const told = JSON.parse(
      readFileSync(join(fixtures, 'pairs', name.replace('workflow', 'prompt')), 'utf8'),
    );
    expect(Object.keys(JSON.parse(stdout)).toSorted()).toEqual(Object.keys(told).toSorted());
    expect(stderr).toMatch(
      /CheckpointLoaderSimple\): the server lacks the model checkpoints\/flux1-schnell-fp8\.safetensors/,
    );
    expect(stderr).toContain('would not run');
  });

  it('of several jobs prints a list of all', async () => {
    const { code, stdout, stderr } = await run(
      file('a.json', EMPTY_IMAGE),
      ...['--dry-run', '--sweep', '1.width=64..256:64', '--sweep', '1.color=0,255'],
    );
    expect(code, stderr).toBe(0);
    const widths = JSON.parse(stdout).map((prompt: typeof EMPTY_IMAGE) => prompt['1'].inputs.width);
    expect(widths).toEqual([64, 64, 128, 128, 192, 192, 256, 256]);
    expect(stderr).toContain('8 jobs');
  });

  it('--seed: a number counts up, random ones differ, and the same number is kept without it', async () => {
    const path = file('sleep.json', sleeping(0));
    const seeds = async (...argv: string[]) =>
      JSON.parse((await run(path, '--dry-run', '--count', '3', ...argv)).stdout).map(
        (prompt: ReturnType<typeof sleeping>) => prompt['1'].inputs.seed,
      );
    expect(await seeds('--seed', '40')).toEqual([40, 41, 42]);
    expect(new Set(await seeds('--seed', 'random')).size).toBe(3);
    const [first, second] = await seeds();
    expect(first).toBe(7);
    expect(second).not.toBe(7);
  });

  it('@FILE is the text of a file', async () => {
    const text = join(folder, 'prompt.txt');
    writeFileSync(text, '3 "foxes"\n');
    const { stdout } = await run(
      file('seed.json', checkpoint('sd15.safetensors', '5')),
      '--dry-run',
      '--set',
      `6.text=@${text}`,
    );
    expect(JSON.parse(stdout)['6'].inputs.text).toBe('3 "foxes"');
  });

  it('rows are jobs', async () => {
    const rows = join(folder, 'rows.csv');
    writeFileSync(rows, 'Red.width,1.color\n100,1\n200,2\n');
    const { stdout } = await run(file('a.json', EMPTY_IMAGE), '--dry-run', '--rows', rows);
    expect(JSON.parse(stdout).map((prompt: typeof EMPTY_IMAGE) => prompt['1'].inputs)).toMatchObject([
      { width: 100, color: 1 },
      { width: 200, color: 2 },
    ]);
  });

  it('submits nothing', async () => {
    const state = (await (await fetch(`${world.simulator.controlUrl}/state`)).json()) as {
      pods: { comfyui: { submitted?: number } }[];
    };
    expect(JSON.stringify(state)).not.toMatch(/"history":\s*[1-9]/);
    expect((await inProcess(world, ['jobs', '--all', '--json'])).stdout).toContain('"jobs": []');
  });
});

describe('files of this machine', () => {
  beforeAll(() => {
    const data = new Uint8Array(4 * 4 * 3).fill(9);
    writeFileSync(join(folder, 'cat.png'), encode({ width: 4, height: 4, data, channels: 3 }));
    mkdirSync(join(folder, 'inner'));
  });

  it('that stand beside the workflow and are named in it would be uploaded', async () => {
    const { code, stderr } = await run(file('load.json', INVERTED), '--dry-run');
    expect(stderr).toContain(`Would upload ${join(folder, 'cat.png')}`);
    expect(code, stderr).toBe(0);
  });

  it('that are nowhere are told with node, input and how to give one', async () => {
    const { code, stderr } = await run(
      workflowFile(join(folder, 'inner'), 'load.json', INVERTED),
      '--dry-run',
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /“Load” \(1, LoadImage\): image: neither the server nor this machine has cat\.png; .*--input 1\.image=FILE/,
    );
  });

  it('outside the folder of a workflow are taken only when they are named on the command line', async () => {
    const outside = { ...INVERTED, '1': { ...INVERTED['1'], inputs: { image: '../cat.png' } } };
    const path = workflowFile(join(folder, 'inner'), 'outside.json', outside);
    expect((await run(path, '--dry-run')).stderr).not.toContain('Would upload');
    const absolute = { ...INVERTED, '1': { ...INVERTED['1'], inputs: { image: join(folder, 'cat.png') } } };
    const second = workflowFile(join(folder, 'inner'), 'absolute.json', absolute);
    expect((await run(second, '--dry-run')).stderr).not.toContain('Would upload');
    const named = await run(path, '--dry-run', '--input', `Load.image=${join(folder, 'cat.png')}`);
    expect(named.stderr).toContain('Would upload');
    expect(named.code).toBe(0);
  });
});

describe('bad input is refused with the value and what would be right; exit 2, nothing kept', () => {
  const a = () => file('a.json', EMPTY_IMAGE);
  const cases: [title: string, argv: () => string[], words: RegExp][] = [
    [
      'a file that is not there',
      () => [join(folder, 'none.json')],
      /none\.json holds no workflow\.\n.*no such file/,
    ],
    ['a folder', () => [folder], /It is a folder/],
    [
      'JSON that is no workflow',
      () => [file('list.json', [1, 2])],
      /neither the API format nor what the editor saves/,
    ],
    [
      'a picture without one',
      () => [join(fixtures, 'made', 'plain.png')],
      /a PNG picture that carries no workflow/,
    ],
    ['a file of another kind', () => [join(import.meta.dirname, 'run-looks.test.ts')], /no JSON, PNG, WebP/],
    ['an empty file', () => [empty()], /It is empty/],
    [
      'a NODE that fits several',
      () => [twice(), '--set', 'EmptyImage.width=8'],
      /fits several nodes: “Red” \(1, EmptyImage\), “Blue” \(3, EmptyImage\)/,
    ],
    ['a NODE that is not there', () => [a(), '--set', 'Green.width=8'], /no node “Green”.*\n.*“Red”/],
    ['an input that is not there', () => [a(), '--set', '1.size=8'], /no input size.*\n.*width, height/],
    ['an input that takes a link', () => [a(), '--set', '2.images=8'], /takes what node “Red”/],
    [
      'a value out of range',
      () => [a(), '--set', '1.width=20000'],
      /width takes a value from 1 to 16384, not 20000/,
    ],
    ['a value of another type', () => [a(), '--set', '1.width=wide'], /takes a whole number, not "wide"/],
    ['no change at all', () => [a(), '--set', 'width'], /“width” is not NODE\.INPUT=VALUE/],
    [
      'a change that names no file',
      () => [a(), '--set', '2.filename_prefix=@none.txt'],
      /none\.txt cannot be read.*\n.*@@/,
    ],
    ['a seed that is none', () => [a(), '--seed', 'lucky'], /whole number, random or same, not “lucky”/],
    ['a seed where there is none', () => [a(), '--seed', '3'], /has no seed/],
    ['an --input without its file', () => [a(), '--input', '1.width=none.png'], /There is no file none\.png/],
    ['an --input for a number', () => [a(), '--input', `1.width=${a()}`], /takes no file/],
    ['a sweep that never ends', () => [a(), '--sweep', '1.width=1..10:0'], /Its step is 0/],
    ['rows that are not there', () => [a(), '--rows', 'none.csv'], /no such file/],
    ['an --out that is a file', () => [a(), '--out', a()], /Nothing can be written into .*\n.*is no folder/],
    ['an --out below a file', () => [a(), '--out', join(a(), 'x')], /no folder/],
    ['a --count of none', () => [a(), '--count', '0'], /whole number of at least 1/],
    ['a --then nobody knows', () => [a(), '--then', 'sell'], /keep, stop, kill/],
    ['a --name with a placeholder nobody knows', () => [a(), '--name', '{mood}.png'], /\{mood\}/],
    ['a --max-cost that is none', () => [a(), '--max-cost', 'much'], /amount in USD/],
    ['--pods of nothing', () => [a(), '--pods', 'a,,b'], /names with commas/],
    ['a pod as well as --pods', () => [a(), 'art', '--pods', '2'], /Both pod art and --pods/],
    ['options of up without --up', () => [a(), '--gpu', 'A40'], /Add --up/],
  ];
  const empty = () => {
    const path = join(folder, 'empty.json');
    writeFileSync(path, '');
    return path;
  };
  const twice = () =>
    file('twice.json', { ...EMPTY_IMAGE, '3': { ...EMPTY_IMAGE['1'], _meta: { title: 'Blue' } } });

  it.each(cases)('%s', async (_, argv, words) => {
    const { code, stdout, stderr } = await run(...argv());
    expect(stderr).toMatch(words);
    expect(code, stderr).toBe(2);
    expect(stdout).toBe('');
    expect((await inProcess(world, ['jobs', '--all', '--json'])).stdout).toContain('"jobs": []');
  });
});

describe('what would not run is told before anything is submitted; exit 1', () => {
  it('a model the server lacks, and a class it does not know, both at once', async () => {
    const workflow = {
      ...JSON.parse(checkpoint('none.safetensors', '5')),
      '9': { class_type: 'Imagined', inputs: {}, _meta: { title: 'Dream' } },
    };
    const { code, stderr } = await run(file('lacking.json', workflow));
    expect(code).toBe(1);
    expect(stderr).toContain('Nothing was submitted');
    expect(stderr).toMatch(/checkpoints\/none\.safetensors/);
    expect(stderr).toMatch(/“Dream” \(9, Imagined\): the server has no class Imagined/);
    const { error } = JSON.parse((await run(file('lacking.json', workflow), '--json')).stdout);
    expect(error).toMatchObject({
      code: 'workflowNotRunnable',
      detail: { podId, problems: expect.any(Array) },
    });
  });

  it('a pod that is not there: the command that makes one is named', async () => {
    const { code, stderr } = await run(file('a.json', EMPTY_IMAGE), 'nobody');
    expect([code, stderr]).toEqual([1, expect.stringContaining('There is no pod nobody')]);
  });
});

/** As ComfyUI's own example, without what it makes. */
function checkpoint(model: string, seed: string): string {
  return JSON.stringify({
    '3': {
      class_type: 'KSampler',
      inputs: {
        ...{ seed: 0, steps: 4, cfg: 4, sampler_name: 'euler', scheduler: 'normal', denoise: 1 },
        ...{ model: ['4', 0], positive: ['6', 0], negative: ['6', 0], latent_image: ['5', 0] },
      },
    },
    '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: model } },
    '5': { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 1 } },
    '6': { class_type: 'CLIPTextEncode', inputs: { text: 'a fox', clip: ['4', 1] } },
    '7': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
    '8': { class_type: 'SaveImage', inputs: { images: ['7', 0], filename_prefix: 'fox' } },
  }).replace('"seed":0', `"seed":${seed}`);
}
