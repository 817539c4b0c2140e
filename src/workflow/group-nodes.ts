import type { Blueprint, Promotion } from './blueprint.ts';
import type { Definitions, InputDefinition } from './definitions.ts';
import {
  CANVAS_INPUT,
  CANVAS_OUTPUT,
  type EditorInput,
  type EditorLink,
  type EditorNode,
  readNode,
} from './editor.ts';
import { asArray, asId, asIndex, asObject, asText, type JsonObject } from './json.ts';
import { ownValues } from './values.ts';
import { hasControl, isWidget } from './widgets.ts';

/**
 * A group node's definition (`extra.groupNodes`) names neither its inputs nor its outputs: the editor derives
 * both from the inner nodes, in an order that must be followed exactly for values and slots to meet.
 */
export function groupBlueprint(
  name: string,
  group: JsonObject,
  definitions: Definitions,
  known: ReadonlyMap<string, Blueprint>,
): Blueprint {
  const reader = new GroupReader(group, definitions, known);
  reader.read();
  return {
    id: `group ${name}`,
    canvas: { nodes: reader.nodes, links: reader.links },
    inputs: reader.inputs,
    outputs: reader.outputs,
    widgets: reader.widgets,
  };
}

interface InnerLink {
  from: number;
  fromSlot: number;
  to: number;
  toSlot: number;
  type: string;
}

interface Shape {
  inputs: InputDefinition[];
  outputs: { name: string; type: string }[];
}

class GroupReader {
  readonly nodes: EditorNode[];
  readonly links = new Map<string, EditorLink>();
  readonly inputs: { name: string; type: string }[] = [];
  readonly outputs: { name: string; type: string }[] = [];
  readonly widgets: (Promotion | undefined)[] = [];
  private readonly inner: InnerLink[];
  private readonly external: { node: number; slot: number }[];
  private readonly config: JsonObject;
  private readonly seenInputs = new Map<string, number>();
  private readonly converted: (() => void)[] = [];

  constructor(
    group: JsonObject,
    private readonly definitions: Definitions,
    private readonly known: ReadonlyMap<string, Blueprint>,
  ) {
    this.nodes = asArray(group.nodes).map((entry, place) => {
      const node = readNode(asObject(entry), String(place));
      return node ?? { ...EMPTY, id: String(place) };
    });
    this.inner = asArray(group.links).flatMap((entry) => {
      const [from, fromSlot, to, toSlot, , type] = asArray(entry);
      const ends = [asIndex(from), asIndex(fromSlot), asIndex(to), asIndex(toSlot)] as const;
      if (ends[0] === undefined || ends[2] === undefined) return [];
      const kind = asText(type) ?? '*';
      return [{ from: ends[0], fromSlot: ends[1] ?? 0, to: ends[2], toSlot: ends[3] ?? 0, type: kind }];
    });
    this.external = asArray(group.external).flatMap((entry) => {
      const [node, slot] = asArray(entry);
      const index = asIndex(node) ?? asIndex(asObject(node).index);
      return index === undefined ? [] : [{ node: index, slot: asIndex(slot) ?? 0 }];
    });
    this.config = asObject(group.config);
  }

  read(): void {
    for (const node of this.nodes) for (const input of node.inputs) input.link = undefined;
    for (const [nth, link] of this.inner.entries()) this.connectInner(`inner ${nth}`, link);
    for (const [index, node] of this.nodes.entries()) {
      const shape = this.shapeOf(index, node);
      if (shape === undefined) continue;
      this.readInputs(index, node, shape);
      this.readOutputs(index, shape);
    }
    for (const finish of this.converted) finish();
  }

  private readInputs(index: number, node: EditorNode, shape: Shape): void {
    const standsAsInput = (input: InputDefinition): boolean =>
      node.inputs.some((each) => each.name === input.name && each.widget === input.name);
    for (const input of shape.inputs) {
      if (!isWidget(input) || standsAsInput(input)) continue;
      this.outerName(index, node, input.name);
      this.promote(index, input);
    }
    for (const input of shape.inputs) {
      if (isWidget(input) || this.isLinked(index, input.name)) continue;
      const name = this.outerName(index, node, input.name);
      if (this.configured(index, 'input', input.name).visible === false) continue;
      this.expose(index, node, input, name);
    }
    this.converted.push(() => {
      for (const slot of node.inputs) {
        const input = shape.inputs.find((each) => each.name === slot.name);
        if (input === undefined || !isWidget(input) || !standsAsInput(input)) continue;
        if (this.isLinked(index, input.name)) continue;
        const name = this.outerName(index, node, input.name);
        this.promote(index, input);
        this.expose(index, node, input, name);
      }
    });
  }

  private readOutputs(index: number, shape: Shape): void {
    for (const [slot, output] of shape.outputs.entries()) {
      const isUsedInside = this.inner.some((link) => link.from === index && link.fromSlot === slot);
      const isUsedOutside = this.external.some((each) => each.node === index && each.slot === slot);
      const visible =
        this.configured(index, 'output', String(slot)).visible ?? (!isUsedInside || isUsedOutside);
      if (visible === false) continue;
      const toSlot = this.outputs.length;
      this.outputs.push(output);
      const link = { from: String(index), fromSlot: slot, to: CANVAS_OUTPUT, toSlot, type: output.type };
      this.links.set(`output ${toSlot}`, link);
    }
  }

  private shapeOf(index: number, node: EditorNode): Shape | undefined {
    const definition = this.definitions.get(node.type);
    if (definition !== undefined) {
      const { saved } = ownValues(node, definition);
      // What the class gained since the group was made has no place among the group's values.
      const isThere = (input: InputDefinition): boolean =>
        !isWidget(input) || node.widgetsValues === undefined || saved.has(input.name);
      const inputs = definition.inputs.filter(isThere);
      return { inputs, outputs: definition.outputs.map((type) => ({ name: type, type })) };
    }
    const nested = this.known.get(node.type);
    if (nested !== undefined) {
      const inputs = nested.inputs.map((each) => plainInput(each.name, each.type));
      return { inputs, outputs: nested.outputs };
    }
    const outgoing = this.inner.filter((link) => link.from === index);
    if (node.type === 'PrimitiveNode') {
      const [first] = outgoing;
      if (first === undefined) return undefined;
      const options = { control_after_generate: ['INT', 'FLOAT', 'COMBO'].includes(first.type) };
      const value = { ...plainInput('value', first.type), options };
      return { inputs: [value], outputs: [{ name: first.type, type: first.type }] };
    }
    if (node.type !== 'Reroute') return undefined;
    const incoming = this.inner.find((link) => link.to === index);
    const isExternal = this.external.some((each) => each.node === index && each.slot === 0);
    if (incoming !== undefined && outgoing.length > 0 && !isExternal) return undefined;
    const target = outgoing.map((link) => this.nodes[link.to]?.inputs[link.toSlot]?.type);
    const type = target.find((kind) => kind !== undefined && kind !== '*') ?? incoming?.type ?? '*';
    const through = { ...plainInput(type, type), options: { forceInput: true } };
    return { inputs: [through], outputs: [{ name: type, type }] };
  }

  /** The name the group node shows for an inner input: its own, or one that is not taken yet. */
  private outerName(index: number, node: EditorNode, input: string): string {
    const label = node.inputs.find((each) => each.name === input)?.label;
    let name = asText(this.configured(index, 'input', input).name) ?? label ?? input;
    let key = name;
    if ((node.type === 'PrimitiveNode' && node.title) || this.seenInputs.has(name)) {
      const prefix = `${node.title ?? node.type} `;
      key = `${prefix}${input}`;
      name = this.seenInputs.has(key) ? `${prefix}${this.seenInputs.get(key)} ${input}` : key;
    }
    this.seenInputs.set(key, (this.seenInputs.get(key) ?? 1) + 1);
    return name;
  }

  private promote(index: number, input: InputDefinition): void {
    this.widgets.push({ node: String(index), widget: input.name });
    if (!hasControl(input)) return;
    this.widgets.push(undefined);
    if (input.type === 'COMBO' && this.nodes[index]?.type !== 'PrimitiveNode') this.widgets.push(undefined);
  }

  private expose(index: number, node: EditorNode, input: InputDefinition, name: string): void {
    const fromSlot = this.inputs.length;
    this.inputs.push({ name, type: input.type });
    const at = this.slotOf(node, input.name);
    const slot = node.inputs[at];
    if (slot !== undefined) slot.link = `input ${fromSlot}`;
    const link = { from: CANVAS_INPUT, fromSlot, to: String(index), toSlot: at, type: input.type };
    this.links.set(`input ${fromSlot}`, link);
  }

  private connectInner(id: string, link: InnerLink): void {
    const slot = this.nodes[link.to]?.inputs[link.toSlot];
    if (slot !== undefined) slot.link = id;
    const { from, fromSlot, to, toSlot, type } = link;
    this.links.set(id, { from: String(from), fromSlot, to: String(to), toSlot, type });
  }

  private slotOf(node: EditorNode, input: string): number {
    const at = node.type === 'Reroute' ? 0 : node.inputs.findIndex((each) => each.name === input);
    if (at >= 0 && node.inputs[at] !== undefined) return at;
    node.inputs.push({ ...SLOT, name: input });
    return node.inputs.length - 1;
  }

  private isLinked(index: number, input: string): boolean {
    const node = this.nodes[index];
    const at = node?.type === 'Reroute' ? 0 : (node?.inputs.findIndex((each) => each.name === input) ?? -1);
    return this.inner.some((link) => link.to === index && link.toSlot === at);
  }

  private configured(index: number, which: 'input' | 'output', name: string): JsonObject {
    const config = asObject(this.config[String(index)]);
    return asObject(asObject(config[which])[asId(name) ?? '']);
  }
}

const SLOT: EditorInput = { name: '', type: '*', label: undefined, widget: undefined, link: undefined };
const EMPTY: Omit<EditorNode, 'id'> = {
  type: '',
  title: undefined,
  mode: 'runs',
  inputs: [],
  outputs: [],
  widgetsValues: undefined,
  properties: {},
};

function plainInput(name: string, type: string): InputDefinition {
  return { name, type, isRequired: true, options: {} };
}
