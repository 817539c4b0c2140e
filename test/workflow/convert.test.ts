import { describe, expect, it } from 'vitest';
import { convertWorkflow } from '../../src/workflow/convert.ts';
import { readDefinitions } from '../../src/workflow/definitions.ts';
import { type JsonObject, parseJson, writeJson } from '../../src/workflow/json.ts';
import { CanvasBuilder } from './canvas.ts';
import { convert, DRAWN } from './support.ts';

const SAMPLER = [7, 'fixed', 20, 8, 'euler', 'normal', 1];

describe('values', () => {
  it('a seed of 64 bits keeps every digit from the file to the request', () => {
    const text =
      '{"nodes":[{"id":3,"type":"KSampler","widgets_values":[18446744073709551557,"fixed",20,8,"euler","normal",1]}],"links":[]}';
    const { prompt } = convert(parseJson(text) as JsonObject);
    expect(writeJson(prompt as never)).toContain('"seed":18446744073709551557,');
  });

  it('a node without saved values gets the defaults of its class', () => {
    const { prompt } = convert(new CanvasBuilder().add(1, 'EmptyLatentImage', null).workflow);
    expect(prompt['1']?.inputs).toEqual({ width: 512, height: 512, batch_size: 1 });
  });

  it('values saved by name are taken by name, and what only the editor needs is left out', () => {
    const byName = { seed: 5, control_after_generate: 'randomize', steps: 9, cfg: 1, videopreview: {} };
    const { prompt, controls } = convert(new CanvasBuilder().add(1, 'KSampler', byName).workflow);
    expect(prompt['1']?.inputs).toMatchObject({ seed: 5, steps: 9, cfg: 1, denoise: 1 });
    expect(prompt['1']?.inputs).not.toHaveProperty('videopreview');
    expect(controls).toEqual([{ node: '1', input: 'seed', control: 'randomize' }]);
  });

  it('the value of the upload button belongs to no input', () => {
    const { prompt } = convert(
      new CanvasBuilder().add(1, 'LoadImageMask', ['a.png', 'red', 'image']).workflow,
    );
    expect(prompt['1']?.inputs).toEqual({ image: 'a.png', channel: 'red' });
  });

  it('the upload button stands after the required inputs and before the optional ones', () => {
    const input = {
      required: { image: [['a.png'], { image_upload: true }] },
      optional: { size: ['INT', {}] },
    };
    const definitions = readDefinitions({ Own: { input, output: [] } });
    const { prompt } = convert(
      new CanvasBuilder().add(1, 'Own', ['a.png', 'image', 5]).workflow,
      definitions,
    );
    expect(prompt['1']?.inputs).toEqual({ image: 'a.png', size: 5 });
  });

  it('a list as a value is wrapped, so that the server does not take it for a link', () => {
    const definitions = own({ tags: ['COMBO', { options: ['a', 'b', 'c'], multi_select: {} }] });
    const { prompt } = convert(new CanvasBuilder().add(1, 'Own', [['a', 'b']]).workflow, definitions);
    expect(prompt['1']?.inputs).toEqual({ tags: { __value__: ['a', 'b'] } });
  });

  it('forceInput takes no place among the values, except in files of editors that gave it one', () => {
    const definitions = own({ a: ['INT', {}], b: ['STRING', { forceInput: true }], c: ['FLOAT', {}] });
    const modern = convert(new CanvasBuilder().add(1, 'Own', [3, 0.5]).workflow, definitions);
    const earlier = convert(new CanvasBuilder().add(1, 'Own', [3, '', 0.5]).workflow, definitions);
    expect(modern.prompt['1']?.inputs).toEqual({ a: 3, c: 0.5 });
    expect(earlier.prompt['1']?.inputs).toEqual({ a: 3, c: 0.5 });
  });

  it("a dynamic combo's choice decides which inputs follow it", () => {
    const options = [
      { key: 'small', inputs: { required: { steps: ['INT', { default: 4 }] } } },
      { key: 'large', inputs: { required: { steps: ['INT', {}], cfg: ['FLOAT', {}] } } },
    ];
    const definitions = own({ model: ['COMFY_DYNAMICCOMBO_V3', { options }], name: ['STRING', {}] });
    const large = convert(new CanvasBuilder().add(1, 'Own', ['large', 30, 2.5, 'x']).workflow, definitions);
    const small = convert(new CanvasBuilder().add(1, 'Own', ['small']).workflow, definitions);
    expect(large.prompt['1']?.inputs).toEqual({
      model: 'large',
      'model.steps': 30,
      'model.cfg': 2.5,
      name: 'x',
    });
    expect(small.prompt['1']?.inputs).toEqual({ model: 'small', 'model.steps': 4, name: '' });
  });

  it('choices in a prompt are drawn and comments taken out; names of files get dates and values', () => {
    const canvas = new CanvasBuilder()
      .add(1, 'CLIPTextEncode', ['a {red|blue} cat /* no */ \\{sic\\}'])
      .add(2, 'EmptyLatentImage', [640, 512, 1], { title: 'Size' })
      .add(3, 'SaveImage', ['%date:yyyy-MM-dd%/%Size.width%_%seed%']);
    const { prompt } = convert(canvas.workflow);
    expect(prompt['1']?.inputs.text).toBe('a red cat  {sic}');
    expect(prompt['3']?.inputs.filename_prefix).toBe('2026-01-02/640_%seed%');
  });

  it('a value that only a browser can make is named, not left out in silence', () => {
    const { findings } = convert(
      new CanvasBuilder().add(1, 'WebcamCapture', [null, 640, 480, true]).workflow,
    );
    expect(findings).toEqual([
      {
        kind: 'madeInTheEditor',
        node: '1',
        title: 'Webcam Capture',
        class: 'WebcamCapture',
        input: 'image',
        type: 'WEBCAM',
      },
    ]);
  });
});

describe('links', () => {
  it('both shapes of links read the same', () => {
    const canvas = new CanvasBuilder()
      .add(1, 'EmptyLatentImage')
      .add(2, 'KSampler', SAMPLER)
      .link(1, 0, 2, 'latent_image');
    const objects = { ...canvas.workflow, links: canvas.linkObjects, version: 1 };
    expect(convert(objects)).toEqual(convert(canvas.workflow));
    expect(convert(objects).prompt['2']?.inputs.latent_image).toEqual(['1', 0]);
  });

  it("a primitive's value counts, also through a reroute, and stays an exact integer", () => {
    const canvas = new CanvasBuilder()
      .add(1, 'PrimitiveNode', [2n ** 60n, 'randomize'])
      .add(2, 'Reroute')
      .add(3, 'KSampler', SAMPLER)
      .add(4, 'KSampler', SAMPLER)
      .link(1, 0, 2, '')
      .link(2, 0, 3, 'seed', true)
      .link(1, 0, 4, 'seed', true);
    const { prompt } = convert(canvas.workflow);
    expect(Object.keys(prompt)).toEqual(['3', '4']);
    expect([prompt['3']?.inputs.seed, prompt['4']?.inputs.seed]).toEqual([2n ** 60n, 2n ** 60n]);
  });

  it('a bypassed node is looked through by type, and a muted one takes its links with it', () => {
    const chain = (mode: number) => {
      const canvas = new CanvasBuilder()
        .add(1, 'CheckpointLoaderSimple', ['a.safetensors'])
        .add(2, 'LoraLoader', ['b.safetensors', 1, 1], { mode })
        .add(3, 'CLIPTextEncode', ['x'])
        .link(1, 0, 2, 'model')
        .link(1, 1, 2, 'clip')
        .link(2, 1, 3, 'clip');
      return convert(canvas.workflow).prompt;
    };
    expect(chain(0)['3']?.inputs.clip).toEqual(['2', 1]);
    expect(chain(4)['3']?.inputs.clip).toEqual(['1', 1]);
    expect(chain(4)).not.toHaveProperty('2');
    expect(chain(2)['3']?.inputs).toEqual({ text: 'x' });
  });

  it('a bypassed node passes each output the input beside it, when several have the type', () => {
    const canvas = new CanvasBuilder()
      .add(1, 'CLIPTextEncode', ['yes'])
      .add(2, 'CLIPTextEncode', ['no'])
      .add(3, 'ControlNetApplyAdvanced', [1, 0, 1], { mode: 4 })
      .add(4, 'KSampler', SAMPLER)
      .link(1, 0, 3, 'positive')
      .link(2, 0, 3, 'negative')
      .link(3, 0, 4, 'positive')
      .link(3, 1, 4, 'negative');
    expect(convert(canvas.workflow).prompt['4']?.inputs).toMatchObject({
      positive: ['1', 0],
      negative: ['2', 0],
    });
  });

  it('reroutes that lead to each other are named, and so is a link the file does not have', () => {
    const canvas = new CanvasBuilder()
      .add(1, 'Reroute')
      .add(2, 'Reroute')
      .add(3, 'VAEDecode')
      .add(4, 'VAEDecode');
    canvas.link(2, 0, 1, '').link(1, 0, 2, '').link(2, 0, 3, 'samples').link(2, 0, 4, 'samples');
    canvas.links.pop();
    const { findings, prompt } = convert(canvas.workflow);
    expect(findings.map(({ kind }) => kind)).toEqual(['linkCircular', 'linkBroken']);
    expect(findings[1]).toMatchObject({ node: '4', class: 'VAEDecode', input: 'samples' });
    expect(prompt['3']?.inputs).toEqual({});
  });

  it('a value set by name in one place and got in another is a link', () => {
    const canvas = new CanvasBuilder()
      .add(1, 'EmptyLatentImage')
      .add(2, 'SetNode', ['size'])
      .add(3, 'GetNode', ['size'])
      .add(4, 'KSampler', SAMPLER)
      .link(1, 0, 2, 'LATENT')
      .link(3, 0, 4, 'latent_image');
    expect(convert(canvas.workflow).prompt['4']?.inputs.latent_image).toEqual(['1', 0]);
  });
});

describe('what cannot be turned', () => {
  it('an unknown class keeps values that were saved by name', () => {
    const canvas = new CanvasBuilder().add(
      1,
      'VHS_Combine',
      { frame_rate: 8, format: 'mp4' },
      { title: 'Video' },
    );
    const { prompt, findings } = convert(canvas.workflow);
    expect(prompt['1']).toMatchObject({
      class_type: 'VHS_Combine',
      inputs: { frame_rate: 8, format: 'mp4' },
    });
    expect(findings).toEqual([
      { kind: 'classUnknown', node: '1', title: 'Video', class: 'VHS_Combine', unnamed: [] },
    ]);
  });

  it('an unknown class that is muted or bypassed does not matter', () => {
    const canvas = new CanvasBuilder()
      .add(1, 'Foreign', [1], { mode: 2 })
      .add(2, 'Foreign', [1], { mode: 4 });
    expect(convert(canvas.workflow)).toMatchObject({ prompt: {}, findings: [] });
  });

  it('a node without a class, and a subgraph that is not in the file, are named', () => {
    const type = '11111111-2222-4333-8444-555555555555';
    const canvas = new CanvasBuilder().add(1, type);
    canvas.nodes.push({ id: 9 });
    const { findings, prompt } = convert(canvas.workflow);
    expect(prompt).toEqual({});
    expect(findings).toEqual([
      { kind: 'nodeMalformed', place: 1 },
      { kind: 'definitionMissing', node: '1', title: type, class: type },
    ]);
  });
});

function own(required: JsonObject) {
  return readDefinitions({ Own: { input: { required }, output: [], display_name: 'Own' } });
}

it('conversion leaves the workflow as it was', () => {
  const { workflow } = new CanvasBuilder().add(1, 'KSampler', SAMPLER);
  const before = structuredClone(workflow);
  convertWorkflow(workflow, readDefinitions({}), DRAWN);
  expect(workflow).toEqual(before);
});
