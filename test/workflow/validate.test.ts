import { describe, expect, it } from 'vitest';
import { modelSources } from '../../src/workflow/models.ts';
import type { Prompt } from '../../src/workflow/prompt.ts';
import { validatePrompt } from '../../src/workflow/validate.ts';
import { DEFINITIONS, fixture } from './support.ts';

const good = {
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 0 } },
  '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
};
const check = (nodes: object) => validatePrompt({ ...good, ...nodes } as unknown as Prompt, DEFINITIONS);
const image = (inputs: object) => ({
  '1': { class_type: 'EmptyImage', inputs: { ...good['1'].inputs, ...inputs } },
});

describe('a prompt against the server', () => {
  it('that would run has no findings', () => expect(check({})).toEqual([]));

  it.each<[string, object, object]>([
    [
      'a value above its range',
      image({ width: 99999 }),
      { kind: 'outOfRange', node: '1', input: 'width', min: 1, max: 16384 },
    ],
    [
      'a value below its range',
      image({ batch_size: 0 }),
      { kind: 'outOfRange', input: 'batch_size', value: 0, min: 1 },
    ],
    [
      'a value of another type',
      image({ width: 'wide' }),
      { kind: 'valueMistyped', wanted: 'INT', value: 'wide' },
    ],
    [
      'an input that is missing',
      image({ width: undefined }),
      { kind: 'inputMissing', input: 'width', type: 'INT' },
    ],
    [
      'an unknown class',
      { '7': { class_type: 'Foreign', inputs: {} } },
      { kind: 'classUnknown', node: '7', class: 'Foreign' },
    ],
    [
      'a link to no node',
      { '2': { class_type: 'SaveImage', inputs: { images: ['8', 0], filename_prefix: '' } } },
      { kind: 'linkBroken', node: '2', input: 'images' },
    ],
    [
      'a link to no output',
      { '2': { class_type: 'SaveImage', inputs: { images: ['1', 4], filename_prefix: '' } } },
      { kind: 'linkBroken', node: '2', input: 'images' },
    ],
    [
      'a circle',
      { '1': { class_type: 'ImageInvert', inputs: { image: ['1', 0] } } },
      { kind: 'linkCircular', node: '1' },
    ],
    [
      'another type of link',
      { '1': { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 1 } } },
      { kind: 'typeMismatch', node: '2', wanted: 'IMAGE', given: 'LATENT', from: '1' },
    ],
    [
      'no choice of the combo',
      {
        '1': {
          class_type: 'ImageScaleBy',
          inputs: { image: ['3', 0], upscale_method: 'magic', scale_by: 2 },
        },
        '3': good['1'],
      },
      { kind: 'notAChoice', input: 'upscale_method', value: 'magic' },
    ],
    [
      'a picture that is not there',
      { '1': { class_type: 'LoadImage', inputs: { image: 'cat.png' } } },
      { kind: 'inputFileMissing', input: 'image', file: 'cat.png' },
    ],
  ])('%s is named', (_, nodes, finding) => {
    expect(check(nodes)).toMatchObject([finding]);
  });

  it('numbers as text are taken, as the server takes them', () => {
    expect(check(image({ width: '64' }))).toEqual([]);
  });

  it('nodes that no output needs are not looked at, as the server does not', () => {
    expect(check({ '5': { class_type: 'EmptyImage', inputs: { width: -1 } } })).toEqual([]);
  });

  it('without an output there is nothing to run', () => {
    expect(validatePrompt({ '1': good['1'] } as Prompt, DEFINITIONS)).toEqual([{ kind: 'nothingToRun' }]);
  });
});

describe('missing models', () => {
  const loader = (type: string, inputs: object) => ({
    '3': { class_type: type, inputs },
    '4': {
      class_type: 'CheckpointSave',
      inputs: { model: ['3', 0], clip: ['3', 1], vae: ['3', 2], filename_prefix: 'x' },
    },
  });

  it("are named with folder and file, and the workflow's address", () => {
    const workflow = {
      nodes: [
        {
          id: 3,
          type: 'CheckpointLoaderSimple',
          properties: {
            models: [{ name: 'a.safetensors', url: 'https://example.org/a', directory: 'checkpoints' }],
          },
        },
      ],
    };
    const prompt = loader('CheckpointLoaderSimple', { ckpt_name: 'sd\\a.safetensors' }) as unknown as Prompt;
    expect(validatePrompt(prompt, DEFINITIONS, modelSources(workflow))).toEqual([
      {
        kind: 'modelMissing',
        node: '3',
        title: 'CheckpointLoaderSimple',
        class: 'CheckpointLoaderSimple',
        input: 'ckpt_name',
        file: 'sd\\a.safetensors',
        folder: 'checkpoints',
        address: 'https://example.org/a',
      },
    ]);
  });

  it('have the address of a link in a note, also in a subgraph, where no node gives one', () => {
    const note = {
      id: 1,
      type: 'MarkdownNote',
      widgets_values: ['- [b](https://example.org/x/b%20c.ckpt?download=true)'],
    };
    const sources = modelSources({ nodes: [], definitions: { subgraphs: [{ id: 'x', nodes: [note] }] } });
    const prompt = loader('CheckpointLoaderSimple', { ckpt_name: 'b c.ckpt' }) as unknown as Prompt;
    expect(validatePrompt(prompt, DEFINITIONS, sources)).toMatchObject([
      { folder: 'checkpoints', address: 'https://example.org/x/b%20c.ckpt?download=true' },
    ]);
  });

  it('have the folder of their loader where the workflow says nothing', () => {
    const prompt = loader('unCLIPCheckpointLoader', { ckpt_name: 'b.ckpt' }) as unknown as Prompt;
    expect(validatePrompt(prompt, DEFINITIONS)).toMatchObject([
      { folder: 'checkpoints', address: undefined },
    ]);
  });

  it('of a real workflow are all told, once for each node', () => {
    const prompt = fixture('pairs/flux__flux_dev_example.prompt.json') as unknown as Prompt;
    const missing = validatePrompt(prompt, DEFINITIONS).filter(({ kind }) => kind === 'modelMissing');
    expect(missing.map((each) => 'folder' in each && [each.folder, each.file])).toEqual(
      expect.arrayContaining([
        ['vae', 'ae.safetensors'],
        ['diffusion_models', 'flux1-dev.safetensors'],
        ['text_encoders', 'clip_l.safetensors'],
      ]),
    );
  });
});
