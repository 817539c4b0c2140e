import fc from 'fast-check';
import type { NodeDefinition } from '../../src/workflow/definitions.ts';
import type { JsonObject, JsonValue } from '../../src/workflow/json.ts';
import { DEFINITIONS } from './support.ts';

/** A graph by itself: what both formats say. Links are [node, output], by place in the list. */
export interface PlainNode {
  type: string;
  values: Record<string, JsonValue>;
  links: Record<string, [number, number]>;
}

const PLAIN = ['INT', 'FLOAT', 'STRING', 'BOOLEAN', 'COMBO'];
const LIVE = ['WebcamCapture', 'RecordAudio', 'Load3D', 'Load3DAnimation', 'Preview3D', 'Preview3DAnimation'];

/** Every class of the real server whose inputs are all sockets or plain widgets. */
const CLASSES = [...DEFINITIONS.values()].filter((each) => !LIVE.includes(each.name));

/** Any graph of the server's own nodes: 1 to 12 of them, each linked to what came before where types allow. */
export const graphs: fc.Arbitrary<PlainNode[]> = fc
  .array(fc.record({ at: fc.nat(CLASSES.length - 1), seed: fc.infiniteStream(fc.nat(1_000_000)) }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((picks) => {
    const nodes: PlainNode[] = [];
    for (const { at, seed } of picks) {
      const definition = CLASSES[at] as NodeDefinition;
      const next = (): number => seed.next().value as number;
      nodes.push(plainNode(definition, nodes, next));
    }
    return nodes;
  });

function plainNode(definition: NodeDefinition, before: readonly PlainNode[], next: () => number): PlainNode {
  const node: PlainNode = { type: definition.name, values: {}, links: {} };
  for (const input of definition.inputs) {
    const isWidget = PLAIN.includes(input.type) && input.options.forceInput !== true;
    if (isWidget) {
      const value = anyValue(input.type, input.choices ?? [], next());
      if (value !== undefined) node.values[input.name] = value;
    }
    const sources = before.flatMap((each, place) =>
      (DEFINITIONS.get(each.type)?.outputs ?? []).flatMap((type, slot): [number, number][] =>
        type === input.type ? [[place, slot]] : [],
      ),
    );
    const source = sources[next() % Math.max(1, sources.length)];
    if (source !== undefined && next() % 3 > 0) node.links[input.name] = source;
  }
  return node;
}

function anyValue(type: string, choices: readonly JsonValue[], number: number): JsonValue | undefined {
  if (type === 'INT') return number % 5 === 0 ? 2n ** 63n + BigInt(number) : number;
  if (type === 'FLOAT') return number / 64;
  if (type === 'BOOLEAN') return number % 2 === 0;
  // Neither braces nor comments: those the editor draws from and takes out.
  if (type === 'STRING') return `text ${number}, "quoted"\nüß`;
  return choices.length > 0 ? (choices[number % choices.length] as JsonValue) : `file-${number}.safetensors`;
}

export interface Scope {
  nodes: JsonObject[];
  links: JsonObject[];
}

/** The graph as the editor saves it, each node titled with its place. */
export function drawn(graph: readonly PlainNode[]): Scope {
  const links: JsonObject[] = [];
  const nodes = graph.map((node, place): JsonObject => {
    const definition = DEFINITIONS.get(node.type) as NodeDefinition;
    const inputs = Object.entries(node.links).map(([name, [from, slot]], at): JsonObject => {
      const type = definition.inputs.find((each) => each.name === name)?.type ?? '*';
      const id = links.length + 1;
      links.push({ id, origin_id: from + 1, origin_slot: slot, target_id: place + 1, target_slot: at, type });
      return { name, type, link: id, ...(name in node.values ? { widget: { name } } : {}) };
    });
    return {
      id: place + 1,
      type: node.type,
      title: `n${place}`,
      mode: 0,
      inputs,
      outputs: definition.outputs.map((type) => ({ name: type, type })),
      widgets_values: widgetsValues(definition, node),
    };
  });
  return { nodes, links };
}

function widgetsValues(definition: NodeDefinition, node: PlainNode): JsonValue[] {
  const values: JsonValue[] = [];
  const section = (isRequired: boolean): void => {
    for (const input of definition.inputs) {
      if (input.isRequired !== isRequired || !(input.name in node.values)) continue;
      values.push(node.values[input.name] as JsonValue);
      const isSeed = ['seed', 'noise_seed'].includes(input.name) && input.type === 'INT';
      if (isSeed || input.options.control_after_generate === true) values.push('randomize');
    }
  };
  section(true);
  const { inputs } = definition;
  if (inputs.some((each) => each.options.image_upload || each.options.video_upload)) values.push('image');
  section(false);
  return values;
}

/** The prompt by title, so that two conversions compare whatever their ids. */
export function byTitle(
  prompt: Record<string, { class_type: string; inputs: JsonObject; _meta?: { title: string } }>,
) {
  const title = (id: string): string => prompt[id]?._meta?.title ?? id;
  return Object.fromEntries(
    Object.entries(prompt).map(([id, { class_type, inputs }]) => {
      const named = Object.entries(inputs).map(([name, value]) => [
        name,
        Array.isArray(value) ? [title(String(value[0])), value[1]] : value,
      ]);
      return [title(id), { class_type, inputs: Object.fromEntries(named) }];
    }),
  );
}

export function expected(graph: readonly PlainNode[]) {
  return Object.fromEntries(
    graph.map(({ type, values, links }, place) => {
      const linked = Object.entries(links).map(([name, [from, slot]]) => [name, [`n${from}`, slot]]);
      return [`n${place}`, { class_type: type, inputs: { ...values, ...Object.fromEntries(linked) } }];
    }),
  );
}
