import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/workflow/json.ts';
import { convert } from './support.ts';

const INNER = 'aaaaaaaa-0000-4000-8000-000000000001';
const OUTER = 'aaaaaaaa-0000-4000-8000-000000000002';

/** A sampler in a subgraph: its latent comes from outside, its steps are an input of the subgraph. */
const sampling: JsonObject = {
  id: INNER,
  name: 'Sampling',
  inputs: [
    { name: 'latent', type: 'LATENT' },
    { name: 'rounds', type: 'INT' },
  ],
  outputs: [{ name: 'out', type: 'LATENT' }],
  nodes: [
    {
      id: 3,
      type: 'KSampler',
      inputs: [
        { name: 'latent_image', type: 'LATENT', link: 1 },
        { name: 'steps', type: 'INT', widget: { name: 'steps' }, link: 2 },
      ],
      outputs: [{ name: 'LATENT', type: 'LATENT' }],
      widgets_values: [7, 'fixed', 20, 8, 'euler', 'normal', 1],
    },
  ],
  links: [
    { id: 1, origin_id: -10, origin_slot: 0, target_id: 3, target_slot: 0, type: 'LATENT' },
    { id: 2, origin_id: -10, origin_slot: 1, target_id: 3, target_slot: 1, type: 'INT' },
    { id: 3, origin_id: 3, origin_slot: 0, target_id: -20, target_slot: 0, type: 'LATENT' },
  ],
};

/** The subgraph between a latent and a decoder, with what its holding node says. */
function workflow(host: JsonObject, subgraphs: JsonValue[] = [sampling], type = INNER): JsonObject {
  return {
    nodes: [
      { id: 1, type: 'EmptyLatentImage', outputs: [{ name: 'LATENT', type: 'LATENT' }] },
      {
        id: 2,
        type,
        inputs: [{ name: 'latent', type: 'LATENT', link: 1 }],
        outputs: [{ name: 'out', type: 'LATENT' }],
        ...host,
      },
      { id: 4, type: 'VAEDecode', inputs: [{ name: 'samples', type: 'LATENT', link: 2 }] },
    ],
    links: [
      [1, 1, 0, 2, 0, 'LATENT'],
      [2, 2, 0, 4, 0, 'LATENT'],
    ],
    definitions: { subgraphs },
  };
}

describe('a subgraph', () => {
  it('names its nodes outer:inner, and links go through its walls both ways', () => {
    const { prompt, findings } = convert(workflow({}));
    expect(Object.keys(prompt).sort()).toEqual(['1', '2:3', '4']);
    expect(prompt['2:3']?.inputs).toMatchObject({ latent_image: ['1', 0], steps: 20, seed: 7 });
    expect(prompt['4']?.inputs).toEqual({ samples: ['2:3', 0] });
    expect(findings).toEqual([]);
  });

  it.each<[string, JsonObject]>([
    ['by the order of its inputs', { widgets_values: [33] }],
    ['by name', { widgets_values: [1], widgets_values_named: { rounds: 33 } }],
    ['by proxy of its input', { widgets_values: [33], properties: { proxyWidgets: [['-1', 'rounds']] } }],
    ['by proxy of the node inside', { widgets_values: [33], properties: { proxyWidgets: [['3', 'steps']] } }],
  ])('gives the value it shows to the widget inside: %s', (_, host) => {
    expect(convert(workflow(host)).prompt['2:3']?.inputs).toMatchObject({ steps: 33, seed: 7 });
  });

  it('shows widgets inside that no input leads to, and leaves those that it has no value for', () => {
    const properties = {
      proxyWidgets: [
        [3, 'seed'],
        [3, 'control_after_generate'],
        [3, 'cfg'],
      ],
    };
    const host = { widgets_values: [99, 'randomize', null], properties };
    expect(convert(workflow(host)).prompt['2:3']?.inputs).toMatchObject({ seed: 99, cfg: 8, steps: 20 });
  });

  it('takes a link for a widget before its value', () => {
    const flow = workflow({ widgets_values: [33] });
    const host = (flow.nodes as JsonObject[])[1] as JsonObject;
    (flow.nodes as JsonObject[]).push({ id: 6, type: 'PrimitiveInt', widgets_values: [12, 'fixed'] });
    (host.inputs as JsonValue[]).push({ name: 'rounds', type: 'INT', widget: { name: 'rounds' }, link: 3 });
    (flow.links as JsonValue[]).push([3, 6, 0, 2, 1, 'INT']);
    expect(convert(flow).prompt['2:3']?.inputs.steps).toEqual(['6', 0]);
  });

  it('muted, takes its nodes and their links with it; bypassed, is looked through', () => {
    const muted = convert(workflow({ mode: 2 })).prompt;
    const bypassed = convert(workflow({ mode: 4 })).prompt;
    expect(Object.keys(muted)).toEqual(['1', '4']);
    expect(muted['4']?.inputs).toEqual({});
    expect(bypassed['4']?.inputs).toEqual({ samples: ['1', 0] });
  });

  it('used twice is two sets of nodes, each with its own values', () => {
    const flow = workflow({ widgets_values: [33] });
    (flow.nodes as JsonObject[]).push({ id: 5, type: INNER, widgets_values: [44] });
    const { prompt } = convert(flow);
    expect([prompt['2:3']?.inputs.steps, prompt['5:3']?.inputs.steps]).toEqual([33, 44]);
  });

  const outer = (host: JsonObject): JsonObject => ({
    ...sampling,
    id: OUTER,
    nodes: [
      {
        id: 8,
        type: INNER,
        inputs: [
          { name: 'latent', type: 'LATENT', link: 1 },
          { name: 'rounds', type: 'INT', widget: { name: 'rounds' }, link: 2 },
        ],
        ...host,
      },
    ],
    links: (sampling.links as JsonObject[]).map((link) => ({
      ...link,
      ...(link.target_id === 3 ? { target_id: 8 } : { origin_id: 8 }),
    })),
  });

  it('in a subgraph has three ids, and the outermost value counts', () => {
    const subgraphs = [outer({ widgets_values: [25] }), sampling];
    const without = convert(workflow({}, subgraphs, OUTER)).prompt;
    const given = convert(workflow({ widgets_values: [50] }, subgraphs, OUTER)).prompt;
    expect(without['2:8:3']?.inputs).toMatchObject({ steps: 25, latent_image: ['1', 0] });
    expect(given['2:8:3']?.inputs.steps).toBe(50);
    expect(given['4']?.inputs).toEqual({ samples: ['2:8:3', 0] });
  });

  it('defined inside another definition is found there', () => {
    const nested = { ...outer({}), definitions: { subgraphs: [sampling] } };
    expect(convert(workflow({}, [nested], OUTER)).prompt).toHaveProperty(['2:8:3']);
  });

  it('that contains itself is named, and ends', () => {
    const self = { ...sampling, nodes: [...(sampling.nodes as JsonValue[]), { id: 9, type: INNER }] };
    const { findings } = convert(workflow({}, [self]));
    expect(findings).toMatchObject([{ kind: 'definitionCircular', node: '2:9' }]);
  });
});

describe('a group node', () => {
  const group = (type: string): JsonObject => ({
    nodes: [
      { id: 1, type: 'EmptyLatentImage', outputs: [{ name: 'LATENT', type: 'LATENT' }] },
      { id: 5, type, inputs: [{ name: 'latent_image', type: 'LATENT', link: 1 }], widgets_values: VALUES },
      { id: 6, type: 'VAEDecode', inputs: [{ name: 'samples', type: 'LATENT', link: 2 }] },
    ],
    links: [
      [1, 1, 0, 5, 0, 'LATENT'],
      [2, 5, 0, 6, 0, 'LATENT'],
    ],
    extra: {
      groupNodes: {
        Draw: {
          nodes: [
            {
              type: 'PrimitiveNode',
              title: 'width',
              outputs: [{ type: 'INT' }],
              widgets_values: [1, 'fixed'],
            },
            {
              type: 'KSampler',
              inputs: ['model', 'positive', 'negative', 'latent_image'].map((name) => ({ name, type: '*' })),
              widgets_values: [7, 'fixed', 20, 8, 'euler', 'normal', 1],
            },
            {
              type: 'EmptyLatentImage',
              inputs: [{ name: 'width', type: 'INT', widget: { name: 'width' } }],
              widgets_values: [512, 512, 1],
            },
          ],
          links: [[0, 0, 2, 0, 1, 'INT']],
          external: [],
        },
      },
    },
  });
  /** width and its control; seed and its control, steps … denoise; height, batch_size. */
  const VALUES = [768, 'fixed', 42, 'randomize', 30, 5, 'heun', 'karras', 0.5, 1024, 2];

  it.each(['workflow>Draw', 'workflow/Draw'])(
    '%s becomes its nodes, with the values and links it shows',
    (type) => {
      const { prompt, findings } = convert(group(type));
      expect(findings).toEqual([]);
      expect(Object.keys(prompt).sort()).toEqual(['1', '5:1', '5:2', '6']);
      expect(prompt['5:1']?.inputs).toEqual({
        latent_image: ['1', 0],
        seed: 42,
        steps: 30,
        cfg: 5,
        sampler_name: 'heun',
        scheduler: 'karras',
        denoise: 0.5,
      });
      expect(prompt['5:2']?.inputs).toEqual({ width: 768, height: 1024, batch_size: 2 });
      expect(prompt['6']?.inputs).toEqual({ samples: ['5:1', 0] });
    },
  );

  it('that the file does not define is named', () => {
    const { findings } = convert({ ...group('workflow>Draw'), extra: {} });
    expect(findings).toMatchObject([{ kind: 'definitionMissing', node: '5', class: 'workflow>Draw' }]);
  });
});
