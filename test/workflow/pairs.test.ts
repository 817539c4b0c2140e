import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { asObject, type JsonObject, parseJson, writeJson } from '../../src/workflow/json.ts';
import { promptIn } from '../../src/workflow/prompt.ts';
import { defaultOf, isWidget } from '../../src/workflow/widgets.ts';
import { convert, DEFINITIONS, FIXTURES, fixture } from './support.ts';

const NAMES = readdirSync(new URL('pairs/', FIXTURES))
  .filter((file) => file.endsWith('.workflow.json'))
  .map((file) => file.replace('.workflow.json', ''));

/** Classes of the pairs that the server of the fixture is too old to know. */
const TOO_YOUNG = ['EmptyFlux2LatentImage', 'Flux2Scheduler'];

describe('what the editor made of a workflow', () => {
  it('comes in 33 pairs', () => expect(NAMES).toHaveLength(33));

  it.each(NAMES)('%s is converted to the same nodes, links and values', (name) => {
    const { prompt, findings } = convert(fixture(`pairs/${name}.workflow.json`));
    const recorded = promptIn(fixture(`pairs/${name}.prompt.json`)) ?? {};

    expect(Object.keys(prompt).sort()).toEqual(Object.keys(recorded).sort());
    for (const [id, node] of Object.entries(recorded)) {
      const made = prompt[id];
      expect(made?.class_type).toBe(node.class_type);
      if (TOO_YOUNG.includes(node.class_type)) {
        expect(node.inputs).toMatchObject(made?.inputs ?? {});
        continue;
      }
      expect(asPlain(made?.inputs ?? {}), `${id} ${node.class_type}`).toEqual(
        asPlain({ ...gained(node.class_type, node.inputs), ...withoutButton(node.inputs) }),
      );
      if (node._meta !== undefined) expect(made?._meta).toEqual(node._meta);
    }
    const unknown = findings.map((finding) => 'class' in finding && finding.class);
    expect(unknown.every((each) => TOO_YOUNG.includes(String(each)))).toBe(true);
  });

  it('a class the server does not know keeps its links and is named with the values that have no input', () => {
    const { prompt, findings } = convert(fixture('pairs/flux2__flux2_example.workflow.json'));
    expect(findings).toContainEqual({
      kind: 'classUnknown',
      node: '48',
      title: 'Flux2Scheduler',
      class: 'Flux2Scheduler',
      unnamed: [20, 1024, 1024],
    });
    expect(prompt['48']?.inputs).toEqual({ width: 1024, height: 1024 });
  });
});

/** What the node's definition has gained since the prompt was recorded, at its default. */
function gained(type: string, inputs: JsonObject): JsonObject {
  const added: JsonObject = {};
  for (const input of DEFINITIONS.get(type)?.inputs ?? []) {
    const value = defaultOf(input);
    if (isWidget(input) && !(input.name in inputs) && value !== undefined) added[input.name] = value;
  }
  return added;
}

/** Editors of 2023 and 2024 wrote their upload button into the prompt. */
function withoutButton(inputs: JsonObject): JsonObject {
  const { upload: _, 'choose file to upload': __, ...rest } = inputs;
  return rest;
}

function asPlain(inputs: JsonObject): JsonObject {
  return asObject(parseJson(writeJson(inputs)));
}
