import {
  CANVAS_INPUT,
  CANVAS_OUTPUT,
  type Canvas,
  type EditorInput,
  type EditorLink,
  type EditorNode,
} from './editor.ts';

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
