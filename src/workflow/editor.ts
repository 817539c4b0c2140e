import {
  asArray,
  asId,
  asIndex,
  asObject,
  asText,
  isObject,
  type JsonObject,
  type JsonValue,
} from './json.ts';

/** One canvas of the editor: the workflow itself, or the inside of a subgraph or group node. */
export interface Canvas {
  nodes: EditorNode[];
  links: Map<string, EditorLink>;
}

export interface EditorNode {
  id: string;
  type: string;
  title: string | undefined;
  mode: Mode;
  inputs: EditorInput[];
  outputs: { name: string; type: string }[];
  widgetsValues: JsonValue | undefined;
  properties: JsonObject;
}

export interface EditorInput {
  name: string;
  type: string;
  label: string | undefined;
  /** The widget this input stands for, where it stands for one. */
  widget: string | undefined;
  link: string | undefined;
}

export interface EditorLink {
  from: string;
  fromSlot: number;
  to: string;
  toSlot: number;
  type: string;
}

export type Mode = 'runs' | 'muted' | 'bypassed';

/** How a canvas inside another names the other's inputs and outputs in its links. */
export const CANVAS_INPUT = '-10';
export const CANVAS_OUTPUT = '-20';

/** What the editor saves, if `value` is it. */
export function editorWorkflowIn(value: JsonValue | undefined): JsonObject | undefined {
  return isObject(value) && Array.isArray(value.nodes) && value.nodes.every(isObject) ? value : undefined;
}

/** Reads `nodes` and `links`; `onMalformed` is told the places of nodes without id or class. */
export function readCanvas(from: JsonObject, onMalformed: (place: number) => void): Canvas {
  const nodes: EditorNode[] = [];
  for (const [place, entry] of asArray(from.nodes).entries()) {
    const node = readNode(asObject(entry));
    if (node === undefined) onMalformed(place);
    else nodes.push(node);
  }
  return { nodes, links: readLinks(from.links) };
}

export function readNode(entry: JsonObject, id = asId(entry.id)): EditorNode | undefined {
  const type = asText(entry.type);
  if (id === undefined || type === undefined) return undefined;
  const named = entry.widgets_values_named;
  return {
    id,
    type,
    title: asText(entry.title),
    mode: readMode(entry.mode),
    inputs: asArray(entry.inputs).map((input) => readSlot(asObject(input))),
    outputs: asArray(entry.outputs).map((output) => {
      const { name, type: kind } = readSlot(asObject(output));
      return { name, type: kind };
    }),
    widgetsValues: isObject(named) ? named : (entry.widgets_values ?? undefined),
    properties: asObject(entry.properties),
  };
}

export function readSlot(slot: JsonObject): EditorInput {
  return {
    name: asText(slot.name) ?? '',
    type: typeof slot.type === 'string' ? slot.type : '*',
    label: asText(slot.label),
    widget: asText(asObject(slot.widget).name),
    link: asId(slot.link),
  };
}

/** Two shapes: `[id, from, slot, to, slot, type]`, and the objects of schema 1 and of subgraphs. */
function readLinks(links: JsonValue | undefined): Map<string, EditorLink> {
  const read = new Map<string, EditorLink>();
  const entries = isObject(links) ? Object.values(links) : asArray(links);
  for (const entry of entries) {
    const [id, from, fromSlot, to, toSlot, type] = Array.isArray(entry) ? entry : fields(asObject(entry));
    const [key, origin, target] = [asId(id), asId(from), asId(to)];
    if (key === undefined || origin === undefined || target === undefined) continue;
    read.set(key, {
      from: origin,
      fromSlot: asIndex(fromSlot) ?? 0,
      to: target,
      toSlot: asIndex(toSlot) ?? 0,
      type: typeof type === 'string' ? type : '*',
    });
  }
  return read;
}

function fields(link: JsonObject): (JsonValue | undefined)[] {
  return [link.id, link.origin_id, link.origin_slot, link.target_id, link.target_slot, link.type];
}

function readMode(mode: JsonValue | undefined): Mode {
  if (mode === 2) return 'muted';
  return mode === 4 ? 'bypassed' : 'runs';
}
