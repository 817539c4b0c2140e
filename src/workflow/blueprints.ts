import type { Definitions } from './definitions.ts';
import {
  CANVAS_INPUT,
  CANVAS_OUTPUT,
  type Canvas,
  type EditorInput,
  type EditorLink,
  type EditorNode,
  readCanvas,
  readSlot,
} from './editor.ts';
import { groupBlueprint } from './group-nodes.ts';
import { asArray, asObject, asText, isObject, type JsonObject } from './json.ts';

/** What a node stands for that holds others: the inside of a subgraph, or of a group node. */
export interface Blueprint {
  id: string;
  canvas: Canvas;
  inputs: { name: string; type: string }[];
  outputs: { name: string; type: string }[];
  /** What the places of the holding node's `widgets_values` set; a subgraph's are read off its links. */
  widgets?: (Promotion | undefined)[];
}

/** A widget of an inner node that the holding node shows as its own. */
export interface Promotion {
  node: string;
  widget: string;
}

/** Every subgraph and group node a workflow defines, by the type its holding nodes have. */
export function readBlueprints(workflow: JsonObject, definitions: Definitions): Map<string, Blueprint> {
  const blueprints = new Map<string, Blueprint>();
  const addSubgraphs = (holder: JsonObject): void => {
    for (const entry of asArray(asObject(holder.definitions).subgraphs)) {
      const id = asText(asObject(entry).id);
      if (id === undefined || blueprints.has(id)) continue;
      blueprints.set(id, subgraphBlueprint(id, asObject(entry)));
      addSubgraphs(asObject(entry));
    }
  };
  addSubgraphs(workflow);
  for (const [name, group] of Object.entries(asObject(asObject(workflow.extra).groupNodes))) {
    if (!isObject(group)) continue;
    const blueprint = groupBlueprint(name, group, definitions, blueprints);
    for (const separator of ['>', '/']) blueprints.set(`workflow${separator}${name}`, blueprint);
  }
  return blueprints;
}

function subgraphBlueprint(id: string, subgraph: JsonObject): Blueprint {
  const slots = (which: 'inputs' | 'outputs'): { name: string; type: string }[] =>
    asArray(subgraph[which]).map((slot) => readSlot(asObject(slot)));
  return {
    id,
    canvas: readCanvas(subgraph, () => {}),
    inputs: slots('inputs'),
    outputs: slots('outputs'),
  };
}

/** The link inside that a holding node's output stands for. */
export function outputLink(blueprint: Blueprint, slot: number): EditorLink | undefined {
  for (const link of blueprint.canvas.links.values()) {
    if (link.to === CANVAS_OUTPUT && link.toSlot === slot) return link;
  }
  return undefined;
}

/** The inner inputs that a holding node's input leads to. */
export function inputTargets(
  blueprint: Blueprint,
  slot: number,
): { node: EditorNode; input: EditorInput; at: number }[] {
  const targets: { node: EditorNode; input: EditorInput; at: number }[] = [];
  for (const [id, link] of blueprint.canvas.links) {
    if (link.from !== CANVAS_INPUT || link.fromSlot !== slot) continue;
    const node = blueprint.canvas.nodes.find((each) => each.id === link.to);
    const at = node?.inputs.findIndex((input) => input.link === id) ?? -1;
    const input = node?.inputs[at];
    if (node !== undefined && input !== undefined) targets.push({ node, input, at });
  }
  return targets;
}
